#include "cli/import/import_state.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "cli/answer.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/crc32c.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

std::string with_checksum(const std::string& text) { return fmt::format("{:08x} {}\n", base::crc32c(base::as_bytes(text)), text); }

std::string encode(const Checkpoint& checkpoint) {
  http::JsonWriter json;
  json.begin_object().field("position", checkpoint.position).field("rows", checkpoint.rows).field("seq", checkpoint.seq);
  json.field("last_id", checkpoint.last_id).field("taken", checkpoint.taken).field("inserted", checkpoint.inserted);
  json.field("replaced", checkpoint.replaced).field("rejected", checkpoint.rejected).field("rejects_bytes", checkpoint.rejects_bytes);
  json.end_object();
  return std::move(json).text();
}

std::optional<Checkpoint> decode(std::string_view text) {
  const auto object = parse_answer(text);
  if (!object) return std::nullopt;
  return Checkpoint{.position = text_at(*object, "position"), .rows = count_at(*object, "rows"), .seq = count_at(*object, "seq"),
                    .last_id = text_at(*object, "last_id"), .taken = count_at(*object, "taken"), .inserted = count_at(*object, "inserted"),
                    .replaced = count_at(*object, "replaced"), .rejected = count_at(*object, "rejected"),
                    .rejects_bytes = count_at(*object, "rejects_bytes")};
}

/// The whole lines that are undamaged, up to the first one that is not; `bytes`: how long they are.
std::vector<std::string_view> good_lines(std::string_view text, std::size_t& bytes) {
  constexpr std::size_t kPrefix = 9;
  std::vector<std::string_view> lines;
  for (bytes = 0;;) {
    const auto end = text.find('\n', bytes);
    if (end == std::string_view::npos || end - bytes < kPrefix) return lines;
    const auto line = text.substr(bytes, end - bytes);
    if (with_checksum(std::string(line.substr(kPrefix))) != std::string(line) + "\n") return lines;
    lines.push_back(line.substr(kPrefix));
    bytes = end + 1;
  }
}

Result<std::string> read_all(int fd) {
  std::string text;
  for (;;) {
    char part[65'536];
    const ssize_t n = ::pread(fd, part, sizeof part, static_cast<off_t>(text.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail_errno(errno, "read the state of the import");
    if (n == 0) return text;
    text.append(part, static_cast<std::size_t>(n));
  }
}

}  // namespace

ImportState::ImportState(ImportState&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)), found_(std::move(other.found_)), outdated_(other.outdated_) {}

ImportState::~ImportState() {
  if (fd_ >= 0) ::close(fd_);  // and with it the lock goes
}

Result<ImportState> ImportState::open(const std::filesystem::path& path, const std::string& what, bool restart) {
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return base::fail_errno(errno, "open " + path.string());
  ImportState state(fd, path);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorCode::unavailable, "the same is being imported by another process; see " + path.string());
  NDB_TRY(state.read(what, restart));
  return state;
}

Status ImportState::read(const std::string& what, bool restart) {
  NDB_TRY_ASSIGN(const auto text, read_all(fd_));
  std::size_t bytes = 0;
  const auto lines = good_lines(text, bytes);
  const bool same = !lines.empty() && lines.front() == what;
  outdated_ = lines.size() > 1 && !same;
  if (!same || restart) bytes = 0;
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) return base::fail_errno(errno, "write " + path_.string());
  if (bytes == 0) return write_line(what);
  for (std::size_t i = 1; i < lines.size(); ++i)
    if (auto checkpoint = decode(lines[i])) found_.push_back(std::move(*checkpoint));
  return {};
}

Status ImportState::write_line(const std::string& text) {
  const std::string line = with_checksum(text);
  const ssize_t n = ::write(fd_, line.data(), line.size());
  if (n == static_cast<ssize_t>(line.size())) return {};
  return base::fail_errno(n < 0 ? errno : ENOSPC, "write " + path_.string());
}

Status ImportState::add(const Checkpoint& checkpoint) { return write_line(encode(checkpoint)); }

void ImportState::finish() noexcept {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
  std::filesystem::remove(path_.parent_path(), ignored);  // only if it is empty
}

}  // namespace ndb::cli
