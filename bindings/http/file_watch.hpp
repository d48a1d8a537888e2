// Notices that files were replaced while a daemon runs: keys and certificates that somebody renews. Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ndb::http {

class FileWatch {
 public:
  /// Names may be empty: there is nothing to watch then.
  explicit FileWatch(const std::vector<std::string>& files);

  [[nodiscard]] bool empty() const noexcept { return files_.empty(); }
  /// Whether any has changed since this was last asked (in content or, through a symbolic link, in where it leads), or
  /// has never been asked about. Told by what stat(2) says; a file that cannot be looked at counts as one of no
  /// content.
  [[nodiscard]] bool changed();

 private:
  struct Stamp {
    std::uint64_t device = 0, inode = 0, bytes = 0;
    std::int64_t modified_ns = 0, changed_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct Watched {
    std::string name;
    Stamp seen;
  };
  [[nodiscard]] static Stamp stamp_of(const std::string& name);

  std::vector<Watched> files_;
  bool asked_ = false;
};

}  // namespace ndb::http
