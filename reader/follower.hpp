// Keeps a LiveState up to date with what a writer in another process publishes: follows CURRENT, swaps to new manifests, tails the
// WAL. Needs no write permission and no lock. On the writer's host it is woken through shared memory; elsewhere it polls.
//
// Threads: one of its own (unless told otherwise); state(), health() and the others from any.
// Invariants: the state never goes back, with one exception: operations that a replaced writer wrote behind the seal of its log (never
// acknowledged) are dropped in the swap. A state that met damage may lack marks that it could not look up: it is never carried on, but
// built anew from the files. A reader that could not confirm CURRENT for `fence_after` says so in health().
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "ipc/shm/control_block.hpp"
#include "reader/wal_tail.hpp"
#include "shared/format/pointer_files.hpp"
#include "shared/base/clock.hpp"

namespace ndb::reader {

struct FollowerOptions {
  std::chrono::milliseconds poll_interval{50};
  std::chrono::milliseconds fence_after{std::chrono::minutes(7) + std::chrono::seconds(30)};  ///< half of gc_grace
  bool shared_memory = true;
  bool own_thread = true;  ///< false: whoever opened the follower calls follow_once() each poll_interval
};

class Follower {
 public:
  /// Opens the newest state; returns when the WAL is read to its end. not_found if there is no such collection.
  [[nodiscard]] static Result<std::unique_ptr<Follower>> open(fs::FileSystem& fs, const fs::Path& collection,
                                                              const FollowerOptions& options,
                                                              const base::Clock& clock = base::system_clock());
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  [[nodiscard]] std::shared_ptr<live::LiveState> state() const;
  /// unavailable (with the reason) while answers may be stale: CURRENT cannot be read. not_found: the collection was dropped.
  [[nodiscard]] Status health() const;
  [[nodiscard]] std::chrono::milliseconds since_confirmed() const;
  /// Keeps the writer from deleting what this version and later ones name, besides the one in use; none: nothing more than that. Any thread.
  void pin_older(std::optional<ManifestVersion> oldest);
  /// How far the log was read.
  struct Position {
    format::WalName file;
    std::uint64_t offset = 0;
    ManifestVersion manifest{};
  };
  [[nodiscard]] Position position() const;
  /// Whether the writer wakes it through shared memory.
  [[nodiscard]] bool is_woken() const;
  enum class News : std::uint8_t { none, log, everything };  ///< log: nothing came but what continues the log
  /// Looks for it now rather than at the next wake-up. Any thread.
  void poke(News news = News::everything);
  /// Somebody waits for what a writer on this host may be about to write: until nobody does, and unless it is woken already, the follower
  /// looks for that writer's shared memory every few milliseconds, which touches no file. Any thread.
  void hurry();
  /// One look at CURRENT and the log, as its thread takes it at each poll. Only without a thread of its own.
  void follow_once() { look(false); }

 private:
  Follower(fs::FileSystem& fs, fs::Path collection, const FollowerOptions& options, const base::Clock& clock);
  void loop(const std::stop_token& stop);
  /// woken: by whoever wrote to the log, so that CURRENT needs to be read only if shared memory says so.
  void look(bool woken);
  /// Waits for a wake-up; true if it is about the log: through shared memory, or as news of it.
  bool wait(const std::stop_token& stop);
  Status refresh(bool look_at_current);
  Result<format::CurrentFile> newest(std::chrono::steady_clock::time_point asked);
  Status follow_current(std::chrono::steady_clock::time_point asked);
  Status swap_to(const std::shared_ptr<const format::Manifest>& manifest);
  /// Applies what the log has gained (WalTail::advance).
  Status follow_log(bool reopen);
  Status start_over(std::shared_ptr<const format::Manifest> manifest);
  [[nodiscard]] bool contradicts(const format::Manifest& manifest) const;
  /// Whether the state can become that of a newer manifest of the same collection.
  [[nodiscard]] bool leads_to(const format::Manifest& manifest) const { return !contradicts(manifest) && state_->snapshot()->damage(); }
  void pin(ManifestVersion in_use);
  void apply_pin();
  void mend();
  void connect();
  void disconnect();
  void note(const Status& status);
  [[nodiscard]] Error explain(Error error) const;

  fs::FileSystem& fs_;
  const fs::Path collection_;
  const FollowerOptions options_;
  const base::Clock& clock_;
  const std::optional<std::uint64_t> device_;  // of the folder of collections, when this one was opened
  mutable std::mutex mutex_;  // guards state_, position_, problem_, poked_, hurried_
  std::shared_ptr<live::LiveState> state_;
  Position position_;
  std::optional<Error> problem_;
  News poked_ = News::none;
  bool hurried_ = false;
  std::condition_variable_any poke_;
  std::atomic<std::chrono::steady_clock::time_point> confirmed_;
  // the follower's thread only
  std::optional<WalTail> tail_;  // always there; made anew with the state
  std::optional<ipc::ControlBlock> block_;
  std::optional<ipc::ReaderSlot> slot_;
  mutable std::mutex slot_mutex_;  // guards slot_ against other threads, and the pins
  ManifestVersion in_use_{};
  std::optional<ManifestVersion> older_;  // what else is read here
  std::chrono::steady_clock::time_point next_connect_{}, next_mend_{}, next_look_{}, listed_{};
  int idle_wakes_ = 0;  // in a row, that nothing came of
  bool lost_ = false;  // a file was lost under its mapping, and that was said
  std::uint64_t collection_uid_ = 0;
  std::optional<format::CurrentFile> asked_for_;  // what was newest in the last look; nullopt: CURRENT could not be read

  std::jthread thread_;
};

}  // namespace ndb::reader
