// A file, or a pipe whose end nobody knows yet, read forward through a buffer. Threads: one. Errors name the file and the offset.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/bytes.hpp"
#include "shared/base/result.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::io {

class ByteSource {
 public:
  [[nodiscard]] static Result<ByteSource> open(const std::filesystem::path& path);
  /// A part of a file, as if it were a file. The range must lie inside the file.
  [[nodiscard]] static Result<ByteSource> open_part(const std::filesystem::path& path, std::uint64_t start,
                                                    std::uint64_t bytes);

  /// What can only be read forward, such as a pipe: its size is known once its end was met. Named in errors.
  [[nodiscard]] static ByteSource stream(std::string name, std::unique_ptr<fs::File> file);

  /// Exactly into.size() bytes; invalid_argument if the file ends before.
  [[nodiscard]] Status read(std::span<std::byte> into);
  /// The next `bytes` (at most 1 MiB) without going past them; invalid_argument if the file ends before.
  [[nodiscard]] Result<base::ByteSpan> peek(std::size_t bytes);
  /// Bytes up to the next '\n', which is skipped, or up to the end; false at the end. The view holds until the next call.
  /// invalid_argument if there are more than max_bytes.
  [[nodiscard]] Result<bool> read_line(std::string_view& line, std::size_t max_bytes);

  /// Leaves out `bytes`; invalid_argument if the file ends before.
  [[nodiscard]] Status skip(std::uint64_t bytes);
  /// Whether everything has been read; a pipe is waited for.
  [[nodiscard]] Result<bool> at_end();

  /// Whether size() and remaining() are true: always, but for a pipe whose end has not been met.
  [[nodiscard]] bool bounded() const noexcept { return size_ != kUnknown; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t remaining() const noexcept { return size_ - offset_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// invalid_argument "<file>: <why>".
  [[nodiscard]] std::unexpected<Error> refuse(std::string_view why) const;

 private:
  ByteSource(std::string name, std::unique_ptr<fs::File> file, std::uint64_t size);
  [[nodiscard]] base::ByteSpan buffered() const noexcept { return base::ByteSpan(buffer_).subspan(begin_, end_ - begin_); }
  void consume(std::size_t bytes) noexcept;
  [[nodiscard]] Status need(std::uint64_t bytes) const;
  static constexpr std::uint64_t kUnknown = UINT64_MAX / 2;
  /// Makes room and reads more; at least one byte unless everything has been read.
  [[nodiscard]] Status fill();

  std::string name_;
  std::unique_ptr<fs::File> file_;
  std::uint64_t start_ = 0;    ///< where the part begins in the file; offsets count from here
  std::uint64_t size_ = 0;     ///< when it was opened (what is appended later is not read), or kUnknown
  std::uint64_t offset_ = 0;   ///< of the next byte that a caller gets
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0, end_ = 0;  ///< bytes in the buffer that no caller has got yet
};

}  // namespace ndb::io
