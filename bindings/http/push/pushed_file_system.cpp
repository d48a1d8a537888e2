#include "bindings/http/push/pushed_file_system.hpp"

#include <algorithm>

namespace ndb::http {
namespace {

// A WAL file: on the volume, or only at the writer's.
class LogFile final : public fs::File {
 public:
  LogFile(std::unique_ptr<fs::File> on_volume, std::shared_ptr<PushedLog> pushed, std::shared_ptr<RemoteLog> remote, std::string collection,
          fs::Path path, format::WalName name)
      : on_volume_(std::move(on_volume)), pushed_(std::move(pushed)), remote_(std::move(remote)), collection_(std::move(collection)),
        path_(std::move(path)), name_(name) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    std::size_t got = pushed_->read(name_, offset, into);
    if (got == into.size()) return got;
    if (got > 0 && pushed_->is_current(name_)) return got;  // the rest is not written yet, or will be pushed
    if (on_volume_ != nullptr) {
      NDB_TRY_ASSIGN(const auto more, on_volume_->read_at(offset + got, into.subspan(got)));
      return got + more;
    }
    while (got < into.size()) {
      NDB_TRY_ASSIGN(const auto chunk, remote_->read(collection_, {.file = name_, .offset = offset + got}, {}));
      if (chunk.bytes.empty()) return got;
      const auto count = std::min(chunk.bytes.size(), into.size() - got);
      std::copy_n(chunk.bytes.begin(), count, into.begin() + static_cast<std::ptrdiff_t>(got));
      got += count;
    }
    return got;
  }
  Result<std::uint64_t> size() override {
    if (on_volume_ == nullptr) return refuse();
    return on_volume_->size();
  }
  Status append(base::ByteSpan) override { return refuse(); }
  Status write_at(std::uint64_t, base::ByteSpan) override { return refuse(); }
  Status sync() override { return refuse(); }

 private:
  [[nodiscard]] std::unexpected<Error> refuse() const {
    return fail(ErrorCode::internal, path_.string() + ": the log that a writer pushes can only be read");
  }

  const std::unique_ptr<fs::File> on_volume_;
  const std::shared_ptr<PushedLog> pushed_;
  const std::shared_ptr<RemoteLog> remote_;
  const std::string collection_;
  const fs::Path path_;
  const format::WalName name_;
};

}  // namespace

std::shared_ptr<PushedLog> PushedFileSystem::log_of(const std::string& collection) {
  const std::scoped_lock lock(mutex_);
  auto& log = logs_[collection];
  if (log == nullptr) log = std::make_shared<PushedLog>();
  return log;
}

void PushedFileSystem::keep_only(const std::vector<std::string>& collections) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(logs_, [&](const auto& log) { return std::ranges::find(collections, log.first) == collections.end(); });
}

Result<std::unique_ptr<fs::File>> PushedFileSystem::open_read(const fs::Path& path) {
  const auto collection = path.parent_path().parent_path();
  const auto name = format::parse_wal_name(path.filename().string());
  if (!name || collection.parent_path() != folder_ || path != format::wal_path(collection, *name)) return volume_.open_read(path);
  auto on_volume = volume_.open_read(path);
  if (!on_volume && on_volume.error().code != ErrorCode::not_found) return on_volume;
  const std::string of = collection.filename().string();
  if (!on_volume) {
    const auto asked = remote_->read(of, {.file = *name}, {});
    if (!asked && asked.error().code == ErrorCode::not_found) return on_volume;
    if (!asked)
      return fail(ErrorCode::unavailable, path.string() + " is not on this host's volume, and the writer cannot be asked for it: " + asked.error().message);
  }
  return std::make_unique<LogFile>(on_volume ? std::move(*on_volume) : nullptr, log_of(of), remote_, of, path, *name);
}

}  // namespace ndb::http
