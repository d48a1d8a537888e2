#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "shared/fs/file_system.hpp"
#include "shared/fs/mapped_memory.hpp"
#include "shared/fs/mapping_guard.hpp"

namespace ndb::fs {
namespace {

constexpr std::size_t kHugePageBytes = 2U << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> failed(const char* call, const Path& path) {
  const int error_number = errno;
  return base::fail_errno(error_number, std::string(call) + " " + path.string());
}

Result<Descriptor> open_descriptor(const Path& path, int flags) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    if (fd >= 0) return Descriptor(fd);
    if (errno != EINTR) return failed((flags & O_CREAT) != 0 ? "create" : "open", path);
  }
}

bool same_file(const Descriptor& a, const Descriptor& b) {
  struct stat of_a {}, of_b {};
  return ::fstat(a.get(), &of_a) == 0 && ::fstat(b.get(), &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, Path path, bool created) : fd_(std::move(fd)), path_(std::move(path)), created_(created), writable_(created) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t n = ::pread(fd_.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (n == 0) break;
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("read", path_);
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Status append(base::ByteSpan bytes) override {
    if (!created_) return fail(ErrorCode::internal, path_.string() + " was opened to be read, not appended to");
    NDB_TRY(write_at(end_, bytes));
    end_ += bytes.size();
    return {};
  }

  Status write_at(std::uint64_t offset, base::ByteSpan bytes) override {
    if (!writable_) NDB_TRY(make_writable());
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("write", path_);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }

  Status sync() override {
    if (::fdatasync(fd_.get()) != 0) return failed("fdatasync", path_);
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) return failed("fstat", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  Status make_writable() {
    NDB_TRY_ASSIGN(auto fd, open_descriptor(path_, O_RDWR));
    if (!same_file(fd, fd_)) return fail(ErrorCode::not_found, path_.string() + " was replaced while it was open");
    fd_ = std::move(fd);
    writable_ = true;
    return {};
  }

  Descriptor fd_;
  Path path_;
  const bool created_;
  bool writable_;
  std::uint64_t end_ = 0;  // files are only appended to by the one who created them
};

class PosixMapping final : public Mapping {
 public:
  PosixMapping(void* reserved, std::size_t reserved_bytes, base::ByteSpan bytes)
      : reserved_(reserved), reserved_bytes_(reserved_bytes) {
    bytes_ = bytes;
    MappedMemory::instance().add(bytes.size());
    if (!bytes.empty()) guard_.emplace(const_cast<std::byte*>(bytes.data()), bytes.size(), MappingGuard::Access::read_only);
  }
  PosixMapping(const PosixMapping&) = delete;
  PosixMapping& operator=(const PosixMapping&) = delete;
  ~PosixMapping() override {
    MappedMemory::instance().forget(begin());
    MappedMemory::instance().remove(bytes_.size());
    guard_.reset();
    if (reserved_ != nullptr) ::munmap(reserved_, reserved_bytes_);
  }
  std::optional<std::size_t> lost() const noexcept override { return guard_ ? guard_->lost() : std::nullopt; }
  void read_at_random() override {
    if (!bytes_.empty()) MappedMemory::instance().read_at_random(begin(), bytes_.size());
  }
  void will_need(base::ByteSpan part) const noexcept override { MappedMemory::instance().will_need(part.data(), part.size()); }

 private:
  [[nodiscard]] void* begin() const noexcept { return const_cast<std::byte*>(bytes_.data()); }

  void* reserved_;
  std::size_t reserved_bytes_;
  std::optional<MappingGuard> guard_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open_read(const Path& path) override {
    NDB_TRY_ASSIGN(auto fd, open_descriptor(path, O_RDONLY));
    return std::make_unique<PosixFile>(std::move(fd), path, false);
  }

  Result<std::unique_ptr<File>> create_exclusive(const Path& path) override {
    NDB_TRY_ASSIGN(auto fd, open_descriptor(path, O_RDWR | O_CREAT | O_EXCL));
    return std::make_unique<PosixFile>(std::move(fd), path, true);
  }

  Result<std::unique_ptr<Mapping>> map(const Path& path) override {
    NDB_TRY_ASSIGN(const auto fd, open_descriptor(path, O_RDONLY));
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return failed("fstat", path);
    const auto bytes = static_cast<std::size_t>(status.st_size);
    if (bytes == 0) return std::make_unique<PosixMapping>(nullptr, 0, base::ByteSpan{});
    // Reserve address space first, so that the file can start on a huge-page boundary.
    const std::size_t slack = bytes >= kHugePageBytes ? kHugePageBytes : 0;
    const std::size_t reserved_bytes = base::round_up(bytes, 4096) + slack;
    void* reserved = ::mmap(nullptr, reserved_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) return failed("mmap (reserve)", path);
    auto address = reinterpret_cast<std::uintptr_t>(reserved);
    if (slack != 0) address = base::round_up(address, kHugePageBytes);
    // Private, for what is only read is the same, and FUSE volumes without a page cache of their own refuse anything else.
    void* mapped = ::mmap(reinterpret_cast<void*>(address), bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd.get(), 0);
    if (mapped == MAP_FAILED) {
      const int error_number = errno;
      ::munmap(reserved, reserved_bytes);
      return base::fail_errno(error_number, "mmap " + path.string());
    }
    if (slack != 0) ::madvise(mapped, bytes, MADV_HUGEPAGE);  // a hint: the kernel may not have huge page-cache folios
    return std::make_unique<PosixMapping>(reserved, reserved_bytes,
                                          base::ByteSpan{static_cast<const std::byte*>(mapped), bytes});
  }

  Status rename(const Path& from, const Path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from);
    return {};
  }
  Status link(const Path& from, const Path& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) return failed("link", to);
    return {};
  }
  Status remove(const Path& path) override {
    if (::unlink(path.c_str()) != 0) return failed("unlink", path);
    return {};
  }
  Status remove_directory(const Path& path) override {
    if (::rmdir(path.c_str()) != 0) return failed("rmdir", path);
    return {};
  }
  Status make_directory(const Path& path) override {
    if (::mkdir(path.c_str(), 0777) != 0) return failed("mkdir", path);
    return {};
  }
  Status sync_directory(const Path& path) override {
    NDB_TRY_ASSIGN(const auto fd, open_descriptor(path, O_RDONLY | O_DIRECTORY));
    if (::fsync(fd.get()) != 0) return failed("fsync", path);
    return {};
  }

  Result<std::vector<std::string>> list(const Path& path) override {
    std::error_code error;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error))
      names.push_back(entry->path().filename().string());
    if (error) return base::fail_errno(error.value(), "list " + path.string());
    std::ranges::sort(names);
    return names;
  }

  Result<bool> exists(const Path& path) override {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return failed("lstat", path);
  }

  std::optional<std::uint64_t> free_bytes(const Path& path) override {
    struct statvfs volume {};
    if (::statvfs(path.c_str(), &volume) != 0 || volume.f_blocks == 0) return std::nullopt;  // FUSE volumes need not tell
    return std::uint64_t{volume.f_bavail} * volume.f_frsize;
  }
};

}  // namespace

FileSystem& posix_file_system() noexcept {
  static PosixFileSystem instance;
  return instance;
}

}  // namespace ndb::fs
