#include "cli/backup/place_file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

constexpr std::size_t kBufferBytes = 4ULL << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> failed(const char* call, const std::filesystem::path& path) {
  return base::fail_errno(errno, std::string(call) + " " + path.string());
}

Status write_all(int fd, const std::byte* bytes, std::size_t count, const std::filesystem::path& path) {
  while (count > 0) {
    const ssize_t n = ::write(fd, bytes, count);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write", path);
    bytes += n;
    count -= static_cast<std::size_t>(n);
  }
  return {};
}

Status copy_bytes(int from, int to, const std::filesystem::path& source, const std::filesystem::path& target,
                  const std::function<void(std::uint64_t)>& copied) {
  std::vector<std::byte> buffer(kBufferBytes);
  for (;;) {
    const ssize_t n = ::read(from, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", source);
    if (n == 0) return ::fdatasync(to) == 0 ? Status{} : failed("sync", target);
    NDB_TRY(write_all(to, buffer.data(), static_cast<std::size_t>(n), target));
    copied(static_cast<std::uint64_t>(n));
  }
}

}  // namespace

Result<Placed> place_file(const std::filesystem::path& from, const std::filesystem::path& to, const PlaceOptions& options,
                          const std::function<void(std::uint64_t)>& copied) {
  // A pipe would wait for a writer, a device or a link would give what was never backed up.
  const Descriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (source.get() < 0) return failed("open", from);
  struct stat info {};
  if (::fstat(source.get(), &info) != 0) return failed("stat", from);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::corruption, from.string() + ": is no plain file");
  const auto bytes = static_cast<std::uint64_t>(info.st_size);
  const Descriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (target.get() < 0) return failed("create", to);
  if (options.may_share && ::ioctl(target.get(), FICLONE, source.get()) == 0) {
    if (::fdatasync(target.get()) != 0) return failed("sync", to);
    copied(bytes);
    return Placed::shared;
  }
  if (options.may_link) {
    // Under another name first: the link must take the place of the empty file that stands there.
    const auto beside = to.string() + ".link";
    if (::link(from.c_str(), beside.c_str()) == 0) {
      if (::rename(beside.c_str(), to.c_str()) != 0) return failed("rename", beside);
      copied(bytes);
      return Placed::linked;
    }
  }
  NDB_TRY(copy_bytes(source.get(), target.get(), from, to, copied));
  return Placed::copied;
}

}  // namespace ndb::cli
