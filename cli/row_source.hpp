// Documents out of files: the vectors' file, and for what it lacks a file of ids and one of payloads beside it.
//
// Threads: one. Invariant: a chunk is bounded in rows and in bytes whatever the files hold; the side files have exactly as
// many lines as there are vectors, or the import fails where they differ.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/progress.hpp"
#include "ndb/document.hpp"
#include "shared/io/byte_source.hpp"
#include "shared/io/vector_reader.hpp"

namespace ndb::cli {

struct RowFiles {
  std::filesystem::path vectors;
  std::filesystem::path ids;       ///< a line each; empty: from the vectors' file, or the row's number
  std::filesystem::path payloads;  ///< a JSON object (or an empty line, or null) a line; empty: from the vectors' file
  std::string id_prefix;           ///< before every id
  std::uint64_t skip = 0;          ///< rows that are left out at the start
};

/// Documents on their way, with what they point to.
struct Chunk {
  std::uint64_t first_row = 0;  ///< of the file
  std::uint32_t dim = 0;
  std::vector<float> values;
  std::vector<std::string> ids, payloads;

  [[nodiscard]] std::size_t size() const noexcept { return ids.size(); }
  [[nodiscard]] std::vector<DocumentView> views() const;
};

class RowSource {
 public:
  [[nodiscard]] static Result<RowSource> open(const RowFiles& files);

  /// 0 if there are no rows.
  [[nodiscard]] std::uint32_t dim() const noexcept { return reader_->dim(); }
  /// Replaces `into` by at most max_rows rows; false at the end.
  [[nodiscard]] Result<bool> next(Chunk& into, std::size_t max_rows);
  /// How far the file was read; rows counts those that next() returned.
  [[nodiscard]] Done done() const;

 private:
  RowSource(RowFiles files, std::unique_ptr<io::VectorReader> reader) : files_(std::move(files)), reader_(std::move(reader)) {}
  [[nodiscard]] Result<bool> refill();
  [[nodiscard]] Result<std::string> id_of(std::size_t row);
  [[nodiscard]] Result<std::string> payload_of(std::size_t row);
  [[nodiscard]] Status check_ends();

  RowFiles files_;
  std::unique_ptr<io::VectorReader> reader_;
  std::optional<io::ByteSource> ids_, payloads_;
  io::Batch batch_;
  std::size_t at_ = 0;          ///< next row of batch_
  std::uint64_t returned_ = 0;
};

}  // namespace ndb::cli
