// The container of every immutable file of a segment: a 4 KiB header, sections that start at multiples of 4 KiB, and a
// table with the CRC32C of each 4 KiB block of each section. Format: docs/formats.md, "Section file".
//
// The checksums form a chain: the manifest names the header's checksum, the header names the table's, the table each
// block's. Opening checks the first two; a block is checked when it is first touched (BlockVerifier).
//
// Threads: a writer belongs to one thread; an opened file may be read from any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ndb/types.hpp"
#include "shared/base/bytes.hpp"
#include "shared/base/result.hpp"
#include "shared/format/block_verifier.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::format {

enum class FileKind : std::uint32_t { vectors = 1, ids = 2, payloads = 3, hnsw = 4, deleted = 5, codes = 6, attributes = 7 };

/// How a manifest refers to a section file.
struct FileRef {
  std::string name{};            ///< within the segment's folder
  std::uint64_t bytes = 0;       ///< length of the whole file
  std::uint32_t checksum = 0;    ///< of its header
  friend bool operator==(const FileRef&, const FileRef&) = default;
};

/// A part of a file.
struct ByteRange {
  std::uint64_t offset = 0, bytes = 0;
};

/// The sections of a file, in order, without where they are: they follow one another.
struct SectionShape {
  std::uint32_t id = 0, element_bytes = 0;
  std::uint64_t bytes = 0;
};
using SectionShapes = std::vector<SectionShape>;
/// The length of a file with these sections.
[[nodiscard]] std::uint64_t section_file_bytes(const SectionShapes& shapes);

class SectionFileWriter {
 public:
  /// Creates the file; already_exists if there is one.
  [[nodiscard]] static Result<SectionFileWriter> create(fs::FileSystem& fs, const fs::Path& path, FileKind kind,
                                                        SegmentId segment);
  /// Starts a section; the one before it ends. Ids are unique within the file; element_bytes is told to the reader.
  [[nodiscard]] Status begin_section(std::uint32_t id, std::uint32_t element_bytes);
  [[nodiscard]] Status append(base::ByteSpan bytes);
  /// Writes table and header and syncs the file (not its folder).
  [[nodiscard]] Result<FileRef> finish();

 private:
  struct Section {
    std::uint32_t id, element_bytes;
    std::uint64_t offset, bytes;
  };
  SectionFileWriter(std::unique_ptr<fs::File> file, fs::Path path, FileKind kind, SegmentId segment);
  Status put(base::ByteSpan bytes);
  Status flush_buffer();
  Status end_section();

  std::unique_ptr<fs::File> file_;
  fs::Path path_;
  FileKind kind_;
  SegmentId segment_;
  std::vector<std::byte> buffer_;
  std::vector<Section> sections_;
  std::vector<std::uint32_t> block_checksums_;
  std::uint64_t written_bytes_ = 0;  // buffered ones included
  std::uint32_t block_crc_ = 0;
  std::size_t block_fill_ = 0;
};

class SectionFile {
 public:
  struct Section {
    base::ByteSpan bytes;
    std::uint32_t element_bytes = 0;
    const BlockVerifier* verifier = nullptr;
  };

  /// Maps the file and checks header and table. corruption names the file and what is wrong; `expected` binds it to a
  /// manifest (name and checksum), nullptr skips that.
  [[nodiscard]] static Result<std::shared_ptr<const SectionFile>> open(fs::FileSystem& fs, const fs::Path& path,
                                                                       FileKind kind, SegmentId segment,
                                                                       const FileRef* expected);
  /// For salvaging: opens a file whose header or table may be damaged. A damaged header is rebuilt from the first of the candidates
  /// that gives the header checksum in `expected`; under a damaged table some blocks look damaged that are not. corruption if the
  /// header cannot be rebuilt, or the file has not its full length (the table stands at the end).
  [[nodiscard]] static Result<std::shared_ptr<const SectionFile>> open_damaged(fs::FileSystem& fs, const fs::Path& path,
                                                                               FileKind kind, SegmentId segment,
                                                                               const FileRef& expected,
                                                                               std::span<const SectionShapes> candidates);
  /// corruption if there is no such section.
  [[nodiscard]] Result<Section> section(std::uint32_t id) const;
  /// corruption if a damaged block was touched so far; io_error if a part of the file was lost under the mapping. Both stay: only
  /// opening the file anew makes it whole.
  [[nodiscard]] Status damage() const;
  /// Checks every block of every section, and that the bytes around them are zero.
  [[nodiscard]] Status verify() const;
  /// Checks every block; where the damaged ones are, in the order of the file.
  [[nodiscard]] std::vector<ByteRange> damaged_ranges() const;
  [[nodiscard]] std::uint64_t bytes() const noexcept { return mapping_->bytes().size(); }
  /// What is told to the mapping (fs::Mapping).
  void read_at_random() const { mapping_->read_at_random(); }
  void will_need(base::ByteSpan part) const noexcept { mapping_->will_need(part); }
  [[nodiscard]] const fs::Path& path() const noexcept { return path_; }

 private:
  struct Entry {
    std::uint32_t id, element_bytes;
    std::uint64_t offset, bytes;
    std::unique_ptr<BlockVerifier> verifier;
  };
  SectionFile() = default;
  Status read_header(FileKind kind, SegmentId segment, const FileRef* expected);
  Status add_sections(const void* checked_header);  // its type stays out of here
  [[nodiscard]] Status verify_padding() const;
  [[nodiscard]] Status lost() const;
  [[nodiscard]] std::unexpected<Error> corrupt(std::string what) const;

  fs::Path path_;
  std::unique_ptr<fs::Mapping> mapping_;
  std::vector<Entry> entries_;
  std::uint64_t table_offset_ = 0, table_end_ = 0;
};

/// A section's bytes as an array; corruption unless they are a whole number of aligned elements.
template <class T>
[[nodiscard]] Result<std::span<const T>> array_of(const SectionFile& file, const SectionFile::Section& section) {
  if (section.element_bytes != sizeof(T) || section.bytes.size() % sizeof(T) != 0)
    return fail(ErrorCode::corruption, file.path().string() + ": a section has the wrong element size");
  return std::span<const T>(reinterpret_cast<const T*>(section.bytes.data()), section.bytes.size() / sizeof(T));
}

}  // namespace ndb::format
