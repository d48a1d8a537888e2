#include "bindings/http/file_watch.hpp"

#include <sys/stat.h>

namespace ndb::http {
namespace {

std::int64_t nanoseconds(const timespec& time) {
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  return std::int64_t{time.tv_sec} * kPerSecond + time.tv_nsec;
}

}  // namespace

FileWatch::FileWatch(const std::vector<std::string>& files) {
  for (const std::string& name : files) {
    if (!name.empty()) files_.push_back({name, {}});
  }
}

FileWatch::Stamp FileWatch::stamp_of(const std::string& name) {
  struct stat info {};
  if (::stat(name.c_str(), &info) != 0) return {};
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .bytes = static_cast<std::uint64_t>(info.st_size),
          .modified_ns = nanoseconds(info.st_mtim),
          .changed_ns = nanoseconds(info.st_ctim)};
}

bool FileWatch::changed() {
  bool any = !asked_ && !files_.empty();
  asked_ = true;
  for (Watched& file : files_) {
    const Stamp now = stamp_of(file.name);
    if (now != file.seen) any = true;
    file.seen = now;
  }
  return any;
}

}  // namespace ndb::http
