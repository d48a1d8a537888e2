// Older versions of a collection, opened when they are asked for: read-only states, whole as long as somebody holds them.
//
// A version is the state after its flushed_seq: its segments and delete sets, nothing of the log (docs/adr/0015-time-travel.md).
// Invariants: what is held is pinned, so that the writer of this host (or one that hears of this reader) deletes nothing under it. A few
// that were held lately stay open for a while, unpinned; whether they are still there is looked up before they are given out again.
// Threads: any. One of its own, from the first opened version on, which closes what nobody asked for lately.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "ndb/stats.hpp"
#include "shared/base/clock.hpp"
#include "shared/format/version_index.hpp"
#include "shared/live/live_state.hpp"

namespace ndb::reader {

/// Which versions are held here; tells whoever keeps files about the oldest. Thread-safe.
class VersionPins {
 public:
  /// Called whenever the oldest one changes; none: nothing is held. Never by two threads at once.
  using OnChange = std::function<void(std::optional<ManifestVersion> oldest)>;
  explicit VersionPins(OnChange on_change) : on_change_(std::move(on_change)) {}
  void add(ManifestVersion version);
  void remove(ManifestVersion version);

 private:
  void tell(std::optional<ManifestVersion> before);
  [[nodiscard]] std::optional<ManifestVersion> oldest() const { return held_.empty() ? std::nullopt : std::optional(*held_.begin()); }

  const OnChange on_change_;
  std::mutex mutex_;  // guards the rest
  std::multiset<ManifestVersion> held_;
};

/// A version that is held.
class PastVersion {
 public:
  PastVersion(std::shared_ptr<VersionPins> pins, ManifestVersion version) : pins_(std::move(pins)), version_(version) { pins_->add(version_); }
  PastVersion(const PastVersion&) = delete;
  PastVersion& operator=(const PastVersion&) = delete;
  ~PastVersion() { pins_->remove(version_); }

  [[nodiscard]] const VersionInfo& info() const noexcept { return info_; }
  [[nodiscard]] const live::View& view() const noexcept { return view_; }

 private:
  friend class PastVersions;
  const std::shared_ptr<VersionPins> pins_;
  const ManifestVersion version_;
  VersionInfo info_{};   // constant once it is given out, as is the view
  live::View view_{};
};

struct PastOptions {
  std::size_t kept_open = 8;                      ///< versions that nobody holds
  std::chrono::milliseconds kept_for{30'000};     ///< since somebody asked for them
  std::chrono::milliseconds list_for{1'000};      ///< how long a list of the manifests is believed
};

class PastVersions {
 public:
  PastVersions(fs::FileSystem& fs, fs::Path collection, std::uint64_t collection_uid, VersionPins::OnChange on_pin,
               const PastOptions& options = {}, const base::Clock& clock = base::system_clock());
  ~PastVersions();
  PastVersions(const PastVersions&) = delete;
  PastVersions& operator=(const PastVersions&) = delete;

  /// now: the newest state here, whose files are shared. not_found, naming the versions that are kept, if it is kept no longer;
  /// invalid_argument if it is yet to come (field at_version).
  [[nodiscard]] Result<std::shared_ptr<PastVersion>> at_version(ManifestVersion version, const live::Snapshot& now);
  /// The newest version that had been published at `time`. Errors likewise (field at_time).
  [[nodiscard]] Result<std::shared_ptr<PastVersion>> at_time(std::chrono::system_clock::time_point time, const live::Snapshot& now);
  /// All that are there, oldest first.
  [[nodiscard]] Result<std::vector<VersionInfo>> list();
  /// May be a few seconds old.
  [[nodiscard]] Result<HistoryStats> stats(ManifestVersion newest);

 private:
  struct Opened {
    VersionInfo info;
    live::View view;
    std::chrono::steady_clock::time_point used;
  };

  Status check_published(ManifestVersion version, const live::Snapshot& now) const;
  Result<std::shared_ptr<PastVersion>> hold(ManifestVersion version, const live::Snapshot& now, const char* field);
  Result<Opened> opened(ManifestVersion version, const live::Snapshot& now);
  Result<Opened> open(ManifestVersion version, const live::Snapshot& now) const;
  [[nodiscard]] std::unexpected<Error> kept_no_longer(const std::string& what, const char* field);
  Status look(std::chrono::milliseconds believed);
  Result<ManifestVersion> version_at(std::uint64_t unix_ms, const live::Snapshot& now);
  void close_unused(const std::stop_token& stop);

  fs::FileSystem& fs_;
  const fs::Path collection_;
  const std::uint64_t collection_uid_;
  const PastOptions options_;
  const base::Clock& clock_;
  const std::shared_ptr<VersionPins> pins_;
  std::mutex index_mutex_;  // guards index_ and listed_
  format::VersionIndex index_;
  std::optional<std::chrono::steady_clock::time_point> listed_;
  std::mutex open_mutex_;   // held while a version is opened; before mutex_
  std::mutex mutex_;        // guards the rest
  std::condition_variable_any changed_;
  std::list<Opened> opened_;  // last used first
  std::jthread closer_;
};

}  // namespace ndb::reader
