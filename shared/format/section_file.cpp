#include "shared/format/section_file.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "shared/base/check.hpp"
#include "shared/base/crc32c.hpp"

namespace ndb::format {
namespace {

constexpr std::size_t kHeaderBytes = 4096;
constexpr std::size_t kBlockBytes = BlockVerifier::kBlockBytes;
constexpr std::size_t kTailPadBytes = 64;  // vector instructions may read past the end of the last section
constexpr std::size_t kWriteChunkBytes = 2U << 20;  // large writes get large page-cache folios; small files never need as much
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

// The header of a file whose sections (offsets filled in) are followed by `table`.
Header make_header(FileKind kind, SegmentId segment, std::span<const SectionRecord> sections, std::uint64_t table_offset,
                   base::ByteSpan table, std::uint64_t file_bytes) {
  Header header{};
  header.magic = kSectionMagic;
  header.format_version = kSectionVersion;
  header.kind = static_cast<std::uint32_t>(kind);
  header.file_bytes = file_bytes;
  header.segment_id = segment.value;
  header.table_offset = table_offset;
  header.table_entries = static_cast<std::uint32_t>(table.size() / sizeof(std::uint32_t));
  header.table_checksum = base::crc32c(table);
  header.section_count = static_cast<std::uint32_t>(sections.size());
  std::ranges::copy(sections, header.sections.begin());
  header.checksum = base::crc32c(checked_part(header));
  return header;
}

// Where the table of a file with these sections begins, as SectionFileWriter lays them out; fills in their offsets.
std::uint64_t lay_out(std::span<SectionRecord> sections) {
  std::uint64_t end = kHeaderBytes;
  for (auto& section : sections) {
    section.offset = base::round_up(end, kBlockBytes);
    end = section.offset + section.bytes;
  }
  return base::round_up(end + kTailPadBytes, kBlockBytes);
}

std::uint64_t file_bytes_of(std::uint64_t table_offset, std::uint64_t table_bytes) {
  return base::round_up(table_offset + table_bytes, kTailPadBytes) + kTailPadBytes;
}

// The header that the file must have had: of the shapes the one that gives the checksum in `expected`.
std::optional<Header> rebuild_header(base::ByteSpan file, FileKind kind, SegmentId segment, const FileRef& expected,
                                     std::span<const SectionShapes> candidates) {
  for (const auto& shapes : candidates) {
    std::vector<SectionRecord> sections;
    std::uint64_t table_bytes = 0;
    for (const auto& shape : shapes) {
      sections.push_back({shape.id, shape.element_bytes, 0, shape.bytes, 0});
      table_bytes += base::round_up(shape.bytes, kBlockBytes) / kBlockBytes * sizeof(std::uint32_t);
    }
    const std::uint64_t table_offset = lay_out(sections);
    if (sections.size() > kMaxSections || table_offset > file.size() || table_bytes > file.size() - table_offset) continue;
    const auto header = make_header(kind, segment, sections, table_offset, file.subspan(table_offset, table_bytes), file.size());
    if (header.checksum == expected.checksum) return header;
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t section_file_bytes(const SectionShapes& shapes) {
  std::vector<SectionRecord> sections;
  std::uint64_t blocks = 0;
  for (const auto& shape : shapes) {
    sections.push_back({shape.id, shape.element_bytes, 0, shape.bytes, 0});
    blocks += base::round_up(shape.bytes, kBlockBytes) / kBlockBytes;
  }
  return file_bytes_of(lay_out(sections), blocks * sizeof(std::uint32_t));
}

SectionFileWriter::SectionFileWriter(std::unique_ptr<fs::File> file, fs::Path path, FileKind kind, SegmentId segment)
    : file_(std::move(file)), path_(std::move(path)), kind_(kind), segment_(segment) {}

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
  NDB_TRY(put(std::vector<std::byte>(file_bytes_of(written_bytes_, 0) - written_bytes_)));
  NDB_TRY(flush_buffer());

  std::vector<SectionRecord> sections;
  for (const auto& section : sections_) sections.push_back({section.id, section.element_bytes, section.offset, section.bytes, 0});
  const Header header = make_header(kind_, segment_, sections, table_offset, bytes_of(block_checksums_), written_bytes_);
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
  auto status = file->read_header(kind, segment, expected);
  NDB_TRY(file->lost());  // says better what is wrong with a header that turned into zeros
  NDB_TRY(status);
  return file;
}

Result<std::shared_ptr<const SectionFile>> SectionFile::open_damaged(fs::FileSystem& fs, const fs::Path& path, FileKind kind,
                                                                     SegmentId segment, const FileRef& expected,
                                                                     std::span<const SectionShapes> candidates) {
  std::shared_ptr<SectionFile> file(new SectionFile);
  file->path_ = path;
  NDB_TRY_ASSIGN(file->mapping_, fs.map(path));
  const auto bytes = file->mapping_->bytes();
  if (bytes.size() != expected.bytes) return file->corrupt("is cut off, and its checksums with it: nothing in it can be told from damage");
  auto header = base::load<Header>(bytes.data());
  if (header.checksum != expected.checksum || header.checksum != base::crc32c(checked_part(header))) {
    const auto rebuilt = rebuild_header(bytes, kind, segment, expected, candidates);
    if (!rebuilt) return file->corrupt("has a damaged header that cannot be rebuilt");
    header = *rebuilt;
  }
  if (header.table_offset % kBlockBytes != 0 || header.table_offset > bytes.size() ||
      std::uint64_t{header.table_entries} * sizeof(std::uint32_t) > bytes.size() - header.table_offset ||
      header.section_count > kMaxSections)
    return file->corrupt("damaged header (table out of range)");
  // A wrong entry in the table makes its block look damaged, no more.
  NDB_TRY(file->add_sections(&header));
  NDB_TRY(file->lost());
  return file;
}

Status SectionFile::lost() const {
  const auto offset = mapping_->lost();
  if (!offset) return {};
  return fail(ErrorCode::io_error, path_.string() + ": cannot be read any more at offset " + std::to_string(*offset) +
                                       ": it was truncated, or its volume failed");
}

Status SectionFile::read_header(FileKind kind, SegmentId segment, const FileRef* expected) {
  const auto bytes = mapping_->bytes();
  if (bytes.size() < kHeaderBytes)
    return corrupt("is truncated: " + std::to_string(bytes.size()) + " bytes are less than its header");
  const auto header = base::load<Header>(bytes.data());
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
  if (base::crc32c(bytes.subspan(header.table_offset, table_bytes)) != header.table_checksum)
    return corrupt("damaged checksum table at offset " + std::to_string(header.table_offset));
  return add_sections(&header);
}

Status SectionFile::add_sections(const void* checked_header) {
  const auto bytes = mapping_->bytes();
  const auto& header = *static_cast<const Header*>(checked_header);
  table_end_ = header.table_offset + std::uint64_t{header.table_entries} * sizeof(std::uint32_t);
  table_offset_ = header.table_offset;
  const auto* table = bytes.data() + header.table_offset;
  const std::span checksums(reinterpret_cast<const std::uint32_t*>(table), header.table_entries);
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
  NDB_TRY(lost());
  for (const auto& entry : entries_)
    if (const auto offset = entry.verifier->damage())
      return corrupt("damaged block at offset " + std::to_string(entry.offset + *offset));
  return {};
}

// What no checksum covers: the bytes between the sections and around the table. They carry nothing, but they are written as zeros,
// and where they are not something writes to files that it should not.
Status SectionFile::verify_padding() const {
  const auto check = [this](std::uint64_t begin, std::uint64_t end) -> Status {
    const auto padding = mapping_->bytes().subspan(begin, end - begin);
    const auto odd = std::ranges::find_if(padding, [](std::byte byte) { return byte != std::byte{0}; });
    if (odd == padding.end()) return {};
    return corrupt("bytes that carry nothing have changed at offset " + std::to_string(begin + static_cast<std::uint64_t>(odd - padding.begin())));
  };
  std::uint64_t end = kHeaderBytes;
  for (const auto& entry : entries_) {
    NDB_TRY(check(end, entry.offset));
    end = entry.offset + entry.bytes;
  }
  NDB_TRY(check(end, table_offset_));
  return check(table_end_, mapping_->bytes().size());
}

Status SectionFile::verify() const {
  for (const auto& entry : entries_) static_cast<void>(entry.verifier->ensure(0, entry.bytes));
  NDB_TRY(damage());
  return verify_padding();
}

std::vector<ByteRange> SectionFile::damaged_ranges() const {
  std::vector<ByteRange> ranges;
  for (const auto& entry : entries_)
    for (std::uint64_t at = 0; at < entry.bytes; at += kBlockBytes) {
      const std::uint64_t length = std::min<std::uint64_t>(kBlockBytes, entry.bytes - at);
      if (entry.verifier->ensure(at, length)) continue;
      const std::uint64_t offset = entry.offset + at;
      if (!ranges.empty() && ranges.back().offset + ranges.back().bytes == offset) ranges.back().bytes += length;
      else ranges.push_back({offset, length});
    }
  return ranges;
}

}  // namespace ndb::format
