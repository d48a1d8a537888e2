#include "tests/simulation/planted_bugs.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

#include "shared/format/pointer_files.hpp"

namespace ndb::sim {
namespace {

// Bytes that look like a file.
class MemoryFile final : public fs::File {
 public:
  explicit MemoryFile(std::vector<std::byte>& bytes) : bytes_(&bytes) {}
  explicit MemoryFile(std::vector<std::byte>&& bytes) : own_(std::move(bytes)), bytes_(&own_) {}
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    const std::size_t got = offset < bytes_->size() ? std::min<std::size_t>(into.size(), bytes_->size() - offset) : 0;
    if (got > 0) std::memcpy(into.data(), bytes_->data() + offset, got);
    return got;
  }
  Status append(base::ByteSpan bytes) override {
    base::append_bytes(*bytes_, bytes);
    return {};
  }
  Status write_at(std::uint64_t, base::ByteSpan) override { return fail(ErrorCode::internal, "not here"); }
  Status sync() override { return {}; }
  Result<std::uint64_t> size() override { return bytes_->size(); }

 private:
  std::vector<std::byte> own_;
  std::vector<std::byte>* bytes_;
};

// Takes what is written to the one file that is created.
class Capture final : public fs::FileSystem {
 public:
  std::vector<std::byte> bytes;

  Result<std::unique_ptr<fs::File>> create_exclusive(const fs::Path&) override { return std::make_unique<MemoryFile>(bytes); }
  Status rename(const fs::Path&, const fs::Path&) override { return {}; }
  Status sync_directory(const fs::Path&) override { return {}; }
  Result<std::unique_ptr<fs::File>> open_read(const fs::Path&) override { return no(); }
  Result<std::unique_ptr<fs::Mapping>> map(const fs::Path&) override { return no(); }
  Status link(const fs::Path&, const fs::Path&) override { return no(); }
  Status remove(const fs::Path&) override { return no(); }
  Status remove_directory(const fs::Path&) override { return no(); }
  Status make_directory(const fs::Path&) override { return no(); }
  Result<std::vector<std::string>> list(const fs::Path&) override { return no(); }
  Result<bool> exists(const fs::Path&) override { return no(); }

 private:
  static std::unexpected<Error> no() { return fail(ErrorCode::internal, "not here"); }
};

Result<std::unique_ptr<fs::File>> made_of(const std::function<Status(fs::FileSystem&)>& write) {
  Capture capture;
  NDB_TRY(write(capture));
  return std::make_unique<MemoryFile>(std::move(capture.bytes));
}

class ShortenedFile final : public fs::File {
 public:
  ShortenedFile(std::unique_ptr<fs::File> file, std::uint64_t length) : file_(std::move(file)), length_(length) {}
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    const std::uint64_t left = length_ > offset ? length_ - offset : 0;
    return file_->read_at(offset, into.first(std::min<std::size_t>(into.size(), left)));
  }
  Status append(base::ByteSpan) override { return fail(ErrorCode::internal, "not here"); }
  Status write_at(std::uint64_t, base::ByteSpan) override { return fail(ErrorCode::internal, "not here"); }
  Status sync() override { return file_->sync(); }
  Result<std::uint64_t> size() override { return length_; }

 private:
  std::unique_ptr<fs::File> file_;
  std::uint64_t length_;
};

}  // namespace

Result<std::unique_ptr<fs::File>> BuggyFs::open_read(const fs::Path& path) {
  if (path == format::epoch_path(collection_)) {
    if (bug_ == Bug::no_epoch_check && committing)
      return made_of([&](fs::FileSystem& fs) { return format::write_epoch(fs, collection_, {*committing, "planted"}); });
    if (held_back_) {
      const auto [from, to] = *held_back_;
      held_back_.reset();
      NDB_TRY(real_.rename(from, to));
    }
  }
  if (bug_ == Bug::probe_next_manifest && reader_ && path == format::current_file_path(collection_)) return probed_current();
  if (bug_ == Bug::cached_length && reader_ && path.parent_path() == format::wal_folder(collection_)) return shortened(path);
  if (bug_ == Bug::no_boundary_check && path == format::boundary_path(collection_))
    return fail(ErrorCode::not_found, "planted");
  return real_.open_read(path);
}

Result<std::unique_ptr<fs::File>> BuggyFs::probed_current() {
  NDB_TRY_ASSIGN(auto current, format::read_current(real_, collection_));
  if (!probed_) probed_ = current.version;
  while (real_.open_read(format::manifest_path(collection_, probed_->next()))) probed_ = probed_->next();
  current.version = *probed_;
  return made_of([&](fs::FileSystem& fs) { return format::write_current(fs, collection_, current); });
}

Result<std::unique_ptr<fs::File>> BuggyFs::shortened(const fs::Path& path) {
  NDB_TRY_ASSIGN(auto file, real_.open_read(path));
  NDB_TRY_ASSIGN(const auto length, file->size());
  return std::make_unique<ShortenedFile>(std::move(file), lengths_.emplace(path, length).first->second);
}

Status BuggyFs::rename(const fs::Path& from, const fs::Path& to) {
  if (bug_ == Bug::scan_before_fencing && to == format::epoch_path(collection_)) {
    held_back_.emplace(from, to);
    return {};
  }
  return real_.rename(from, to);
}

Status BuggyFs::sync_directory(const fs::Path& path) {
  return bug_ == Bug::no_directory_sync ? Status{} : real_.sync_directory(path);
}

}  // namespace ndb::sim
