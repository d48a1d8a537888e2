// A host that mounts the volume, its caches, and the file systems of the processes on it. What a host sees may be older than what
// the server has:
//   - a name that was looked up before it was there stays invisible for 30 s;
//   - a name that another host replaced leads to the old file for up to kMaxDelay, or fails with ESTALE;
//   - a list may be older by as much;
//   - a file of another host that this one knows has the length of up to kMaxDelay ago when it is opened, and an open one is looked
//     at again only after 3 s; an open file that was deleted elsewhere may fail with ESTALE.
// What a host does itself happens at the server at once, and it sees it.
//
// Threads: one. Every call takes simulated time, so that others come in between.
#pragma once

#include <map>
#include <set>
#include <string>

#include "shared/base/clock.hpp"
#include "shared/fs/file_system.hpp"
#include "tests/simulation/volume.hpp"

namespace ndb::sim {

inline constexpr Time kMaxDelay = 500ms;
inline constexpr Time kNegativeEntry = 30s;
inline constexpr Time kOpenLength = 3s;

/// How hard a run is; each run draws its own.
struct Weather {
  std::uint64_t stall_one_in = 400;       ///< calls that stall
  Time longest_stall = 30s;
  std::string_view stalls_before{};       ///< this call, more often than others
  std::uint64_t ambiguous_one_in = 60;    ///< links and renames that happen and report failure
  std::uint64_t failure_one_in = 2000;    ///< calls that fail without doing anything
  bool calm = false;                      ///< none of it
};

/// One line of a run's story.
struct Event {
  Time at{0};
  std::size_t actor = 0;
  const char* call = "";
  std::string path;
  std::string outcome;
};

/// What all hosts share.
struct Network {
  Scheduler& scheduler;
  Volume& volume;
  Random& random;
  Weather weather;
  std::uint64_t seed = 0;
  std::deque<Event> story{};  ///< the newest events
  std::uint64_t fingerprint = 0;  ///< of all of them

  void note(const char* call, const std::string& path, std::string outcome);
  std::uint64_t next_temporary = 0;
};

/// A clock that is wrong by some and runs a little fast or slow.
class HostClock final : public base::Clock {
 public:
  HostClock(Scheduler& scheduler, Time offset, double rate) : scheduler_(scheduler), offset_(offset), rate_(rate) {}
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override {
    return std::chrono::steady_clock::time_point(std::chrono::duration_cast<std::chrono::steady_clock::duration>(elapsed()));
  }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept override {
    return std::chrono::system_clock::time_point(std::chrono::seconds(1'800'000'000)) + offset_ + elapsed();
  }
  void sleep(std::chrono::milliseconds duration) const override { scheduler_.sleep(duration); }

 private:
  [[nodiscard]] Time elapsed() const noexcept {
    return Time(static_cast<Time::rep>(static_cast<double>(scheduler_.now().count()) * rate_));
  }
  Scheduler& scheduler_;
  const Time offset_;
  const double rate_;
};

class Host {
 public:
  Host(Network& network, HostId id, Time clock_offset, double clock_rate)
      : clock(network.scheduler, clock_offset, clock_rate), network_(network), id_(id) {}

  [[nodiscard]] HostId id() const noexcept { return id_; }
  /// Looks a name up through the cache: a node, or an errno.
  struct Found {
    NodePtr node;
    int error = 0;
  };
  Found look_up(const std::string& path);
  [[nodiscard]] std::vector<std::string> list(const Node& folder) const;
  /// After something that this host did to the name itself.
  void forget(const std::string& path);
  /// How long this host believes a file of another one to be.
  [[nodiscard]] std::size_t length_of(const Node& file);
  [[nodiscard]] bool heard_of(const Node::Change& change) const;
  /// How late this host hears of a change.
  [[nodiscard]] Time delay_of(std::uint64_t serial) const;
  void reboot();
  /// What the kernel calls itself, new with every boot.
  [[nodiscard]] std::string kernel() const { return std::to_string(id_) + "/boot-" + std::to_string(id_) + "-" + std::to_string(boots_); }

  HostClock clock;

 private:
  Network& network_;
  const HostId id_;
  std::set<std::string, std::less<>> known_;  // names that were looked up, and there
  std::map<std::string, Time, std::less<>> negative_;
  std::map<std::uint64_t, std::size_t> lengths_;
  int boots_ = 0;
};

/// One incarnation of a process: a dead one's calls do nothing more.
class ProcessFs final : public fs::FileSystem {
 public:
  ProcessFs(Network& network, Host& host) : network_(network), host_(host), last_call_(network.scheduler.now()) {}

  Result<std::unique_ptr<fs::File>> open_read(const fs::Path& path) override;
  Result<std::unique_ptr<fs::File>> create_exclusive(const fs::Path& path) override;
  Result<std::unique_ptr<fs::Mapping>> map(const fs::Path& path) override;
  Status rename(const fs::Path& from, const fs::Path& to) override;
  Status link(const fs::Path& from, const fs::Path& to) override;
  Status remove(const fs::Path& path) override;
  Status remove_directory(const fs::Path& path) override;
  Status make_directory(const fs::Path& path) override;
  Status sync_directory(const fs::Path& path) override;
  Result<std::vector<std::string>> list(const fs::Path& path) override;
  Result<bool> exists(const fs::Path& path) override;

  void die() noexcept { dead_ = true; }
  [[nodiscard]] bool dead() const noexcept { return dead_; }
  [[nodiscard]] std::uint64_t faults() const noexcept { return faults_; }
  [[nodiscard]] Time last_call() const noexcept { return last_call_; }

 private:
  class OpenFile;
  friend class OpenFile;

  [[nodiscard]] Time now() const noexcept;
  /// Time passes; false if the process did not live to make the call.
  bool arrive(std::string_view call);
  Status done(const char* call, const std::string& path, int error);
  Status change(const char* call, const std::string& path, bool ambiguous, const std::function<int()>& act);
  std::string name_of(const fs::Path& path);

  Network& network_;
  Host& host_;
  bool dead_ = false;
  std::uint64_t faults_ = 0;
  Time last_call_;
  std::map<std::string, std::string> temporaries_;  // their random names would make every run different
};

}  // namespace ndb::sim
