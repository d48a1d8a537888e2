#include "shared/format/section_file.hpp"

#include <algorithm>
#include <array>

#include "shared/base/check.hpp"
#include "shared/base/crc32c.hpp"

namespace ndb::format {
namespace {

constexpr std::size_t kHeaderBytes = 4096;
constexpr std::size_t kBlockBytes = BlockVerifier::kBlockBytes;
constexpr std::size_t kTailPadBytes = 64;  // vector instructions may read past the end of the last section
constexpr std::size_t kWriteChunkBytes = 2U << 20;  // large writes get large page-cache folios
constexpr std::uint32_t kSectionVersion = 1;
constexpr std::uint32_t kMaxSections = 32;
constexpr std::array<char, 8> kSectionMagic = {'N', 'D', 'B', 'S', 'E', 'C', 'T', '\n'};

struct SectionRecord {
  std::uint32_t id, element_bytes;
  std::uint64_t offset, bytes, reserved;
};
static_assert(sizeof(SectionRecord) == 32);

struct Header {
  std::array<char, 8> magic;
  std::uint32_t format_version;
  std::uint32_t kind;
  std::uint64_t file_bytes;
  std::uint64_t segment_id;
  std::uint64_t table_offset;
  std::uint32_t table_entries;
  std::uint32_t table_checksum;
  std::uint32_t section_count;
  std::uint32_t reserved;
  std::array<SectionRecord, kMaxSections> sections;
  std::array<std::byte, kHeaderBytes - 56 - kMaxSections * 32 - 4> unused;
  std::uint32_t checksum;
};
static_assert(sizeof(Header) == kHeaderBytes && offsetof(Header, sections) == 56);

base::ByteSpan checked_part(const Header& header) {
  return {reinterpret_cast<const std::byte*>(&header), offsetof(Header, checksum)};
}

template <class T>
base::ByteSpan bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

}  // namespace

SectionFileWriter::SectionFileWriter(std::unique_ptr<fs::File> file, fs::Path path, FileKind kind, SegmentId segment)
    : file_(std::move(file)), path_(std::move(path)), kind_(kind), segment_(segment) {
  buffer_.reserve(kWriteChunkBytes);
}

Result<SectionFileWriter> SectionFileWriter::create(fs::FileSystem& fs, const fs::Path& path, FileKind kind,
                                                    SegmentId segment) {
  NDB_TRY_ASSIGN(auto file, fs.create_exclusive(path));
  SectionFileWriter writer(std::move(file), path, kind, segment);
  writer.buffer_.resize(kHeaderBytes);  // filled in by finish()
  writer.written_bytes_ = kHeaderBytes;
  return writer;
}

Status SectionFileWriter::flush_buffer() {
  NDB_TRY(file_->append(buffer_));
  buffer_.clear();
  return {};
}

Status SectionFileWriter::put(base::ByteSpan bytes) {
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kWriteChunkBytes - buffer_.size()));
    base::append_bytes(buffer_, part);
    written_bytes_ += part.size();
    bytes = bytes.subspan(part.size());
    if (buffer_.size() == kWriteChunkBytes) NDB_TRY(flush_buffer());
  }
  return {};
}

Status SectionFileWriter::append(base::ByteSpan bytes) {
  NDB_CHECK(!sections_.empty());
  sections_.back().bytes += bytes.size();
  NDB_TRY(put(bytes));
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kBlockBytes - block_fill_));
    block_crc_ = base::crc32c(part, block_crc_);
    block_fill_ += part.size();
    bytes = bytes.subspan(part.size());
    if (block_fill_ == kBlockBytes) {
      block_checksums_.push_back(block_crc_);
      block_crc_ = 0;
      block_fill_ = 0;
    }
  }
  return {};
}

Status SectionFileWriter::end_section() {
  if (block_fill_ > 0) block_checksums_.push_back(block_crc_);
  block_crc_ = 0;
  block_fill_ = 0;
  const std::vector<std::byte> padding(base::round_up(written_bytes_, kBlockBytes) - written_bytes_);
  return put(padding);
}

Status SectionFileWriter::begin_section(std::uint32_t id, std::uint32_t element_bytes) {
  NDB_CHECK(sections_.size() < kMaxSections);
  NDB_TRY(end_section());
  sections_.push_back({id, element_bytes, written_bytes_, 0});
  return {};
}

Result<FileRef> SectionFileWriter::finish() {
  NDB_TRY(put(std::vector<std::byte>(kTailPadBytes)));
  NDB_TRY(end_section());
  const std::uint64_t table_offset = written_bytes_;
  NDB_TRY(put(bytes_of(block_checksums_)));
  NDB_TRY(put(std::vector<std::byte>(base::round_up(written_bytes_, kTailPadBytes) - written_bytes_ + kTailPadBytes)));
  NDB_TRY(flush_buffer());

  Header header{};
  header.magic = kSectionMagic;
  header.format_version = kSectionVersion;
  header.kind = static_cast<std::uint32_t>(kind_);
  header.file_bytes = written_bytes_;
  header.segment_id = segment_.value;
  header.table_offset = table_offset;
  header.table_entries = static_cast<std::uint32_t>(block_checksums_.size());
  header.table_checksum = base::crc32c(bytes_of(block_checksums_));
  header.section_count = static_cast<std::uint32_t>(sections_.size());
  for (std::size_t i = 0; i < sections_.size(); ++i)
    header.sections[i] = {sections_[i].id, sections_[i].element_bytes, sections_[i].offset, sections_[i].bytes, 0};
  header.checksum = base::crc32c(checked_part(header));
  NDB_TRY(file_->write_at(0, {reinterpret_cast<const std::byte*>(&header), sizeof header}));
  NDB_TRY(file_->sync());
  return FileRef{path_.filename().string(), written_bytes_, header.checksum};
}

std::unexpected<Error> SectionFile::corrupt(std::string what) const {
  return fail(ErrorCode::corruption, path_.string() + ": " + std::move(what));
}

Result<std::shared_ptr<const SectionFile>> SectionFile::open(fs::FileSystem& fs, const fs::Path& path, FileKind kind,
                                                             SegmentId segment, const FileRef* expected) {
  std::shared_ptr<SectionFile> file(new SectionFile);
  file->path_ = path;
  NDB_TRY_ASSIGN(file->mapping_, fs.map(path));
  NDB_TRY(file->read_header(kind, segment, expected));
  return file;
}

Status SectionFile::read_header(FileKind kind, SegmentId segment, const FileRef* expected) {
  const auto bytes = mapping_->bytes();
  if (bytes.size() < kHeaderBytes)
    return corrupt("is truncated: " + std::to_string(bytes.size()) + " bytes are less than its header");
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kSectionMagic) return corrupt("is not a section file (wrong magic at offset 0)");
  if (header.checksum != base::crc32c(checked_part(header))) return corrupt("damaged header (checksum at offset 4092)");
  if (header.format_version == 0 || header.format_version > kSectionVersion)
    return corrupt("has format version " + std::to_string(header.format_version) + "; this nDB reads up to " +
                   std::to_string(kSectionVersion));
  if (header.file_bytes != bytes.size())
    return corrupt("has " + std::to_string(bytes.size()) + " bytes instead of " + std::to_string(header.file_bytes));
  if (header.kind != static_cast<std::uint32_t>(kind)) return corrupt("holds another kind of data");
  if (header.segment_id != segment.value) return corrupt("belongs to another segment");
  if (expected != nullptr && (expected->checksum != header.checksum || expected->bytes != bytes.size()))
    return corrupt("is not the file that the manifest names (header checksum differs)");
  const std::uint64_t table_bytes = std::uint64_t{header.table_entries} * sizeof(std::uint32_t);
  if (header.table_offset % kBlockBytes != 0 || header.table_offset > bytes.size() ||
      table_bytes > bytes.size() - header.table_offset || header.section_count > kMaxSections)
    return corrupt("damaged header (table out of range)");
  const auto table = bytes.subspan(header.table_offset, table_bytes);
  if (base::crc32c(table) != header.table_checksum)
    return corrupt("damaged checksum table at offset " + std::to_string(header.table_offset));

  const std::span checksums(reinterpret_cast<const std::uint32_t*>(table.data()), header.table_entries);
  std::size_t first_block = 0;
  std::uint64_t end = kHeaderBytes;
  for (std::uint32_t i = 0; i < header.section_count; ++i) {
    const auto& record = header.sections[i];
    const std::size_t blocks = base::round_up(record.bytes, kBlockBytes) / kBlockBytes;
    if (record.offset % kBlockBytes != 0 || record.offset < end || record.offset > header.table_offset ||
        record.bytes > header.table_offset - record.offset || blocks > checksums.size() - first_block)
      return corrupt("damaged header (section " + std::to_string(record.id) + " out of range)");
    entries_.push_back({record.id, record.element_bytes, record.offset, record.bytes,
                        std::make_unique<BlockVerifier>(bytes.subspan(record.offset, record.bytes),
                                                        checksums.subspan(first_block, blocks))});
    first_block += blocks;
    end = record.offset + record.bytes;
  }
  return {};
}

Result<SectionFile::Section> SectionFile::section(std::uint32_t id) const {
  const auto entry = std::ranges::find(entries_, id, &Entry::id);
  if (entry == entries_.end()) return corrupt("lacks section " + std::to_string(id));
  return Section{mapping_->bytes().subspan(entry->offset, entry->bytes), entry->element_bytes, entry->verifier.get()};
}

Status SectionFile::damage() const {
  for (const auto& entry : entries_)
    if (const auto offset = entry.verifier->damage())
      return corrupt("damaged block at offset " + std::to_string(entry.offset + *offset));
  return {};
}

Status SectionFile::verify() const {
  for (const auto& entry : entries_) static_cast<void>(entry.verifier->ensure(0, entry.bytes));
  return damage();
}

}  // namespace ndb::format
