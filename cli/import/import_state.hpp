// How far an import is, on disk beside the data, so that one that was killed goes on where it was: a line that says what is imported into
// what, then a line for each batch that was acknowledged.
//
// Threads: one. Processes: one at a time, by a lock on the file. Lines carry a checksum; what follows a torn one does not count. The file
// is not synced: after a power loss it may be ahead of the data as well as behind, so whoever goes on checks what is there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ndb/error.hpp"

namespace ndb::cli {

/// The state after an acknowledged batch.
struct Checkpoint {
  std::string position;          ///< of the source, see DocumentSource::go_to
  std::uint64_t rows = 0;        ///< of the source up to there
  std::uint64_t seq = 0;
  std::string last_id;           ///< of the batch; "" if none was taken
  std::uint64_t taken = 0, inserted = 0, replaced = 0;
  std::uint64_t rejected = 0, rejects_bytes = 0;
};

class ImportState {
 public:
  /// what: the source and the collection, to the byte; a file that says otherwise is begun anew, as with `restart`.
  /// unavailable if another process imports the same.
  [[nodiscard]] static Result<ImportState> open(const std::filesystem::path& path, const std::string& what, bool restart);

  ImportState(ImportState&& other) noexcept;
  ImportState& operator=(ImportState&&) = delete;
  ~ImportState();

  /// Those of an import that did not end, oldest first; none if there was none.
  [[nodiscard]] const std::vector<Checkpoint>& found() const noexcept { return found_; }
  /// Whether there was one of other files under the same names.
  [[nodiscard]] bool outdated() const noexcept { return outdated_; }
  [[nodiscard]] Status add(const Checkpoint& checkpoint);
  /// The import ended: removes the file.
  void finish() noexcept;

 private:
  ImportState(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  [[nodiscard]] Status read(const std::string& what, bool restart);
  [[nodiscard]] Status write_line(const std::string& text);

  int fd_;
  std::filesystem::path path_;
  std::vector<Checkpoint> found_;
  bool outdated_ = false;
};

}  // namespace ndb::cli
