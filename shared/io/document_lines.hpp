// Documents without their vectors, a line each: {"id": …, "payload": {…}}, as export writes them beside a .npy file.
// Threads: one. Errors are invalid_argument and name the file and the line.
#pragma once

#include <filesystem>
#include <string>

#include "shared/io/byte_source.hpp"

namespace ndb::io {

class DocumentLines {
 public:
  struct Line {
    std::string id;
    std::string payload;  ///< a JSON object, or empty for none
  };

  [[nodiscard]] static Result<DocumentLines> open(const std::filesystem::path& path);
  /// False at the end. A line that cannot be used is an error, and the next call goes on behind it.
  [[nodiscard]] Result<bool> next(Line& into);
  /// False at the end.
  [[nodiscard]] Result<bool> skip();

 private:
  explicit DocumentLines(ByteSource source) : source_(std::move(source)) {}
  [[nodiscard]] Result<bool> read_line(std::string_view& line);

  ByteSource source_;
  std::uint64_t line_ = 0;
};

}  // namespace ndb::io
