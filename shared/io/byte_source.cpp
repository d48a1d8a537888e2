#include "shared/io/byte_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace ndb::io {
namespace {
constexpr std::uint64_t kMinBufferBytes = 4096, kMaxBufferBytes = 1ULL << 20;
}

ByteSource::ByteSource(std::string name, std::unique_ptr<fs::File> file, std::uint64_t size)
    : name_(std::move(name)), file_(std::move(file)), size_(size), buffer_(std::clamp(size, kMinBufferBytes, kMaxBufferBytes)) {}

Result<ByteSource> ByteSource::open(const std::filesystem::path& path) {
  NDB_TRY_ASSIGN(auto file, fs::posix_file_system().open_read(path));
  NDB_TRY_ASSIGN(const auto size, file->size());
  return ByteSource(path.string(), std::move(file), size);
}

Result<ByteSource> ByteSource::open_part(const std::filesystem::path& path, std::uint64_t start, std::uint64_t bytes) {
  NDB_TRY_ASSIGN(auto source, open(path));
  if (start > source.size_ || bytes > source.size_ - start) return source.refuse("is cut off");
  source.start_ = start;
  source.size_ = bytes;
  return source;
}

std::unexpected<Error> ByteSource::refuse(std::string_view why) const {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", name_, why));
}

ByteSource ByteSource::stream(std::string name, std::unique_ptr<fs::File> file) {
  return ByteSource(std::move(name), std::move(file), kUnknown);
}

void ByteSource::consume(std::size_t bytes) noexcept {
  begin_ += bytes;
  offset_ += bytes;
}

Status ByteSource::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);  // a line longer than the buffer; read_line bounds it
  const std::uint64_t at = offset_ + end_;
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size() - end_, size_ - at));
  if (wanted == 0) return {};
  NDB_TRY_ASSIGN(const auto got, file_->read_at(start_ + at, std::span(buffer_).subspan(end_, wanted)));
  if (got == 0 && !bounded()) return size_ = at, Status{};
  if (got == 0) return refuse(fmt::format("the file became shorter while it was read (at offset {})", at));
  end_ += got;
  return {};
}

Status ByteSource::need(std::uint64_t bytes) const {
  if (bytes <= remaining()) return {};
  return refuse(fmt::format("is cut off: {} bytes are needed at offset {}, {} are left", bytes, offset_, remaining()));
}

Result<base::ByteSpan> ByteSource::peek(std::size_t bytes) {
  NDB_TRY(need(bytes));
  while (end_ - begin_ < bytes) {
    NDB_TRY(fill());
    NDB_TRY(need(bytes));  // a pipe may have ended
  }
  return buffered().first(bytes);
}

Status ByteSource::read(std::span<std::byte> into) {
  NDB_TRY(need(into.size()));
  while (!into.empty()) {
    if (begin_ == end_) {
      NDB_TRY(fill());
      NDB_TRY(need(into.size()));
    }
    const std::size_t part = std::min(into.size(), end_ - begin_);
    std::memcpy(into.data(), buffer_.data() + begin_, part);
    consume(part);
    into = into.subspan(part);
  }
  return {};
}

Status ByteSource::skip(std::uint64_t bytes) {
  NDB_TRY(need(bytes));
  if (bounded() && bytes > end_ - begin_) {  // without reading them
    offset_ += bytes;
    begin_ = end_ = 0;
    return {};
  }
  while (bytes > 0) {
    if (begin_ == end_) {
      NDB_TRY(fill());
      NDB_TRY(need(bytes));
    }
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, end_ - begin_));
    consume(part);
    bytes -= part;
  }
  return {};
}

Result<bool> ByteSource::at_end() {
  if (begin_ == end_ && offset_ < size_) NDB_TRY(fill());
  return offset_ == size_;
}

Result<bool> ByteSource::read_line(std::string_view& line, std::size_t max_bytes) {
  for (std::size_t searched = 0;;) {
    const std::string_view text = base::as_text(buffered());
    const auto newline = text.find('\n', searched);
    const bool all_read = offset_ + text.size() == size_;
    if (newline != std::string_view::npos || all_read || text.size() > max_bytes) {
      line = text.substr(0, newline);
      if (line.size() > max_bytes)
        return refuse(fmt::format("the line at offset {} is longer than {} bytes", offset_, max_bytes));
      if (text.empty()) return false;
      consume(newline == std::string_view::npos ? text.size() : newline + 1);
      return true;
    }
    searched = text.size();
    NDB_TRY(fill());
  }
}

}  // namespace ndb::io
