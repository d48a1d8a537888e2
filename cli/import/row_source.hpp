// Documents out of files: the vectors' files one after the other, and for what they lack a file of ids and one of payloads, or one with
// both, beside them.
//
// Threads: one. Invariants: a chunk is bounded in rows and in bytes whatever the files hold; the side files have exactly as
// many lines as there are vectors in all files, or the import fails where they differ. Rows are counted through all files.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/import/document_source.hpp"
#include "shared/io/byte_source.hpp"
#include "shared/io/document_lines.hpp"
#include "shared/io/vector_reader.hpp"

namespace ndb::cli {

/// The files that a pattern stands for, in order; a name without any is itself, whether it exists or not. not_found if nothing matches.
[[nodiscard]] Status expand_pattern(const std::string& word, std::vector<std::filesystem::path>& into);

struct RowFiles {
  std::vector<std::filesystem::path> vectors;  ///< at least one; "-" is standard input
  std::string format;              ///< of all of them; empty: by their names, of standard input jsonl
  std::filesystem::path ids;       ///< a line each; empty: from the vectors' file, or the row's number
  std::filesystem::path payloads;  ///< a JSON object (or an empty line, or null) a line; empty: from the vectors' file
  std::filesystem::path documents; ///< instead of both: {"id", "payload"} a line
  std::string id_prefix;           ///< before every id
  bool normalize = false;          ///< to length 1
  io::OnBadRow bad = io::OnBadRow::keep_going;
};

class RowSource final : public DocumentSource {
 public:
  [[nodiscard]] static Result<std::unique_ptr<RowSource>> open(const RowFiles& files);

  [[nodiscard]] std::uint32_t dim() const noexcept override { return dim_; }
  [[nodiscard]] Result<bool> next(Chunk& into, std::size_t max_rows) override;
  [[nodiscard]] Status go_to(const std::string& position) override;
  /// Leaves out the first rows; invalid_argument if there are fewer.
  [[nodiscard]] Status skip(std::uint64_t rows);
  [[nodiscard]] Done done() const override;
  [[nodiscard]] std::string origin() const override;
  [[nodiscard]] std::string identity() const override;
  [[nodiscard]] std::string name() const override;

 private:
  explicit RowSource(RowFiles files) : files_(std::move(files)) {}
  /// What stands beside a vector.
  struct Beside {
    std::string id, payload;
    std::optional<std::string> wrong{};  ///< why the line cannot be used
  };
  [[nodiscard]] Status open_side_files();
  [[nodiscard]] Status open_reader();
  [[nodiscard]] Result<bool> refill();
  [[nodiscard]] Status add_row(Chunk& into);
  [[nodiscard]] Result<Beside> beside(std::size_t row);
  [[nodiscard]] Status skip_side_lines(std::uint64_t rows);
  [[nodiscard]] Status check_ends();
  [[nodiscard]] Status reject(Chunk& into, Reject reject) const;

  RowFiles files_;
  std::size_t file_ = 0;                 // which of the vectors' files reader_ reads
  std::uint64_t row_of_file_ = 0;        // that comes next
  std::uint64_t row_ = 0;                // the same through all files
  std::uint64_t bytes_before_ = 0;       // in the files before
  std::uint64_t bytes_total_ = 0;        // of all files; 0 if nobody knows
  std::uint32_t dim_ = 0;
  std::unique_ptr<io::VectorReader> reader_;
  std::optional<io::ByteSource> ids_, payloads_;
  std::optional<io::DocumentLines> documents_;
  io::Batch batch_;
  std::size_t at_ = 0;                   // next row of batch_
  std::size_t bad_at_ = 0;               // next of batch_.bad
};

}  // namespace ndb::cli
