// A file system in memory, as far as reading and writing of immutable files needs one. Files are mapped at exactly their size, so that
// AddressSanitizer sees one byte too far. One thread.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <new>

#include "shared/fs/file_system.hpp"

namespace ndb::fuzz {

class MemoryFileSystem final : public fs::FileSystem {
 public:
  using Bytes = std::vector<std::byte>;

  void put(const fs::Path& path, base::ByteSpan bytes) { files_[path] = std::make_shared<Bytes>(bytes.begin(), bytes.end()); }
  [[nodiscard]] Bytes& at(const fs::Path& path) { return *files_.at(path); }

  Result<std::unique_ptr<fs::File>> open_read(const fs::Path& path) override {
    const auto file = files_.find(path);
    if (file == files_.end()) return missing(path);
    return std::make_unique<MemoryFile>(file->second);
  }
  Result<std::unique_ptr<fs::File>> create_exclusive(const fs::Path& path) override {
    const auto [file, created] = files_.emplace(path, std::make_shared<Bytes>());
    if (!created) return fail(ErrorCode::already_exists, path.string());
    return std::make_unique<MemoryFile>(file->second);
  }
  Result<std::unique_ptr<fs::Mapping>> map(const fs::Path& path) override {
    const auto file = files_.find(path);
    if (file == files_.end()) return missing(path);
    return std::make_unique<MemoryMapping>(*file->second);
  }
  Status rename(const fs::Path& from, const fs::Path& to) override {
    files_[to] = files_.at(from);
    files_.erase(from);
    return {};
  }
  Status link(const fs::Path& from, const fs::Path& to) override {
    files_[to] = files_.at(from);
    return {};
  }
  Status remove(const fs::Path& path) override {
    files_.erase(path);
    return {};
  }
  Status remove_directory(const fs::Path&) override { return {}; }
  Status make_directory(const fs::Path&) override { return {}; }
  Status sync_directory(const fs::Path&) override { return {}; }
  Result<std::vector<std::string>> list(const fs::Path& path) override {
    std::vector<std::string> names;
    for (const auto& [file, bytes] : files_)
      if (file.parent_path() == path) names.push_back(file.filename().string());
    return names;
  }
  Result<bool> exists(const fs::Path& path) override { return files_.contains(path); }

 private:
  class MemoryFile final : public fs::File {
   public:
    explicit MemoryFile(std::shared_ptr<Bytes> bytes) : bytes_(std::move(bytes)) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
      if (offset >= bytes_->size()) return 0U;
      const auto part = base::ByteSpan(*bytes_).subspan(offset, std::min<std::size_t>(into.size(), bytes_->size() - offset));
      std::ranges::copy(part, into.begin());
      return part.size();
    }
    Status append(base::ByteSpan bytes) override {
      base::append_bytes(*bytes_, bytes);
      return {};
    }
    Status write_at(std::uint64_t offset, base::ByteSpan bytes) override {
      if (bytes_->size() < offset + bytes.size()) bytes_->resize(offset + bytes.size());
      std::ranges::copy(bytes, bytes_->begin() + static_cast<std::ptrdiff_t>(offset));
      return {};
    }
    Status sync() override { return {}; }
    Result<std::uint64_t> size() override { return bytes_->size(); }

   private:
    std::shared_ptr<Bytes> bytes_;
  };

  class MemoryMapping final : public fs::Mapping {
   public:
    explicit MemoryMapping(const Bytes& bytes) : memory_(static_cast<std::byte*>(::operator new(bytes.size(), std::align_val_t{4096}))) {
      std::ranges::copy(bytes, memory_);
      bytes_ = {memory_, bytes.size()};
    }
    ~MemoryMapping() override { ::operator delete(memory_, std::align_val_t{4096}); }
    MemoryMapping(const MemoryMapping&) = delete;
    MemoryMapping& operator=(const MemoryMapping&) = delete;
    std::optional<std::size_t> lost() const noexcept override { return std::nullopt; }

   private:
    std::byte* memory_;
  };

  static std::unexpected<Error> missing(const fs::Path& path) { return fail(ErrorCode::not_found, path.string()); }

  std::map<fs::Path, std::shared_ptr<Bytes>> files_;
};

}  // namespace ndb::fuzz
