// What an import could not take, a JSON object a line, so that people can mend it and import it again:
// {"file", "row", "line", "id", "error", "text"}. The file is made with the first reject. Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>

#include "cli/import/document_source.hpp"

namespace ndb::cli {

class RejectsFile {
 public:
  explicit RejectsFile(std::filesystem::path path) : path_(std::move(path)) {}

  /// What a killed import had written behind `bytes` is written again.
  [[nodiscard]] Status go_on(std::uint64_t count, std::uint64_t bytes);
  /// Adds them, and hands them to the operating system.
  [[nodiscard]] Status add(std::span<const Reject> rejects);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// "line 3: the vector has 2 elements"; "" if there is none yet.
  [[nodiscard]] const std::string& first() const noexcept { return first_; }

 private:
  std::filesystem::path path_;
  std::ofstream file_;
  std::uint64_t count_ = 0, bytes_ = 0;
  std::string first_;
};

}  // namespace ndb::cli
