// The real file system behind a rule that may fail any call: before it does anything (a refusal) or after it did everything
// (a lost answer). A rule may also act, such as letting another process come in between.
//
// Threads: any. Rules are called by the threads that make the calls, several at once: they synchronize themselves.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "shared/fs/file_system.hpp"

namespace ndb::test {

enum class Call {
  open_read, create_exclusive, map, rename, link, remove, remove_directory, make_directory, sync_directory, list, exists,
  read_at, append, write_at, sync,
};

struct Fault {
  Error error;
  bool after = false;  ///< the call is made, and its answer lost
};

class FaultyFileSystem final : public fs::FileSystem {
 public:
  /// path: of the file, or the target of link and rename.
  using Rule = std::function<std::optional<Fault>(Call call, const fs::Path& path)>;

  void set_rule(Rule rule) {
    const std::scoped_lock lock(mutex_);
    rule_ = std::make_shared<const Rule>(std::move(rule));
  }
  void clear() {
    const std::scoped_lock lock(mutex_);
    rule_.reset();
  }

  Result<std::unique_ptr<fs::File>> open_read(const fs::Path& path) override {
    return opened(run(Call::open_read, path, [&] { return real_.open_read(path); }), path);
  }
  Result<std::unique_ptr<fs::File>> create_exclusive(const fs::Path& path) override {
    return opened(run(Call::create_exclusive, path, [&] { return real_.create_exclusive(path); }), path);
  }
  Result<std::unique_ptr<fs::Mapping>> map(const fs::Path& path) override {
    return run(Call::map, path, [&] { return real_.map(path); });
  }
  Status rename(const fs::Path& from, const fs::Path& to) override {
    return run(Call::rename, to, [&] { return real_.rename(from, to); });
  }
  Status link(const fs::Path& from, const fs::Path& to) override {
    return run(Call::link, to, [&] { return real_.link(from, to); });
  }
  Status remove(const fs::Path& path) override {
    return run(Call::remove, path, [&] { return real_.remove(path); });
  }
  Status remove_directory(const fs::Path& path) override {
    return run(Call::remove_directory, path, [&] { return real_.remove_directory(path); });
  }
  Status make_directory(const fs::Path& path) override {
    return run(Call::make_directory, path, [&] { return real_.make_directory(path); });
  }
  Status sync_directory(const fs::Path& path) override {
    return run(Call::sync_directory, path, [&] { return exists_already(path); });
  }
  Result<std::vector<std::string>> list(const fs::Path& path) override {
    return run(Call::list, path, [&] { return real_.list(path); });
  }
  Result<bool> exists(const fs::Path& path) override {
    return run(Call::exists, path, [&] { return real_.exists(path); });
  }
  std::optional<std::uint64_t> free_bytes(const fs::Path& path) override {
    const std::scoped_lock lock(mutex_);
    return free_bytes_ ? free_bytes_ : real_.free_bytes(path);
  }
  /// Says that so many bytes are free, whatever the volume says.
  void set_free_bytes(std::uint64_t bytes) {
    const std::scoped_lock lock(mutex_);
    free_bytes_ = bytes;
  }

 private:
  class FaultyFile final : public fs::File {
   public:
    FaultyFile(FaultyFileSystem& fs, std::unique_ptr<fs::File> file, fs::Path path)
        : fs_(fs), file_(std::move(file)), path_(std::move(path)) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
      return fs_.run(Call::read_at, path_, [&] { return file_->read_at(offset, into); });
    }
    Status append(base::ByteSpan bytes) override {
      return fs_.run(Call::append, path_, [&] { return file_->append(bytes); });
    }
    Status write_at(std::uint64_t offset, base::ByteSpan bytes) override {
      return fs_.run(Call::write_at, path_, [&] { return file_->write_at(offset, bytes); });
    }
    Status sync() override {
      return fs_.run(Call::sync, path_, [] { return Status{}; });
    }
    Result<std::uint64_t> size() override { return file_->size(); }

   private:
    FaultyFileSystem& fs_;
    std::unique_ptr<fs::File> file_;
    fs::Path path_;
  };

  Status exists_already(const fs::Path& path) {
    const auto there = real_.exists(path);
    if (!there) return std::unexpected(there.error());
    if (!*there) return fail(ErrorCode::not_found, "open " + path.string());
    return {};
  }
  template <class Real>
  auto run(Call call, const fs::Path& path, Real real) -> decltype(real()) {
    std::shared_ptr<const Rule> rule;
    {
      const std::scoped_lock lock(mutex_);
      rule = rule_;
    }
    const auto fault = rule ? (*rule)(call, path) : std::nullopt;
    if (fault && !fault->after) return std::unexpected(fault->error);
    auto result = real();
    if (fault) return std::unexpected(fault->error);
    return result;
  }
  Result<std::unique_ptr<fs::File>> opened(Result<std::unique_ptr<fs::File>> file, const fs::Path& path) {
    if (!file) return file;
    return std::make_unique<FaultyFile>(*this, std::move(*file), path);
  }

  fs::FileSystem& real_ = fs::posix_file_system();
  std::mutex mutex_;
  std::shared_ptr<const Rule> rule_;           // guarded by mutex_
  std::optional<std::uint64_t> free_bytes_;    // guarded by mutex_
};

/// Whether the path lies in a folder of that name ("wal", "manifest", …).
[[nodiscard]] inline bool in_folder(const fs::Path& path, std::string_view name) { return path.parent_path().filename() == name; }

[[nodiscard]] inline Fault io_fault(bool after = false) { return {{ErrorCode::io_error, "a fault of the test", {}}, after}; }

}  // namespace ndb::test
