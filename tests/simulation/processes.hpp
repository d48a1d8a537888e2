// The processes of a run. Each drives the product's own code, step by step, where the daemons have threads:
//   - a writer has two actors: its client takes over, writes, freezes and syncs; its maintenance flushes, merges, publishes, collects and
//     looks after EPOCH and CURRENT. While the client is inside a call the maintenance waits (the product's mutexes would block
//     the only thread there is); the other way round the client comes in between any two calls of the maintenance.
//   - a reader polls.
// A process can die at any call and starts again some time later on the same host.
//
// Threads: one.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "reader/follower.hpp"
#include "tests/simulation/world.hpp"
#include "writer/segments/collector.hpp"

namespace ndb::sim {

class Process {
 public:
  Process(World& world, Host& host, std::string name, bool reader);
  [[nodiscard]] Host& host() noexcept { return host_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// kill -9.
  void kill();
  [[nodiscard]] bool dead() const noexcept { return fs_->dead(); }
  [[nodiscard]] bool runs(std::size_t actor) const { return std::ranges::find(actors_, actor) != actors_.end(); }
  /// Ends whatever stall it is in.
  void wake();

 protected:
  void revive();
  void rest(Time least, Time most) { world_.scheduler.sleep(world_.random.between(least, most)); }
  /// An error that no weather explains.
  void must_not_be_corruption(const char* what, const Error& error);

  World& world_;
  Host& host_;
  const std::string name_;
  const bool reader_;
  std::unique_ptr<ProcessFs> fs_;
  std::unique_ptr<BuggyFs> files_;
  std::vector<std::size_t> actors_;
};

class WriterProcess final : public Process {
 public:
  WriterProcess(World& world, Host& host, std::string name);
  ~WriterProcess();
  void start();
  /// Called after each step: what it would answer a search.
  void check();
  [[nodiscard]] bool writing() const noexcept { return engine_ != nullptr; }
  [[nodiscard]] bool holds_lock() const noexcept { return !dead() && (writing() || taking_over_); }
  /// Not a sign of life for some time: a lock server that works with leases has given its lock away.
  [[nodiscard]] bool silent() const { return world_.scheduler.now() > fs_->last_call() + 5s; }
  [[nodiscard]] std::size_t acknowledged() const noexcept { return acknowledged_; }
  [[nodiscard]] bool flushed() const;
  bool enabled = true;

 private:
  struct Engine;
  void client();
  void maintain();
  void take_over();
  void give_up();
  void write();
  void maintain_once();
  Status merge();

  writer::WriterOptions options_;
  std::unique_ptr<Engine> engine_;
  bool in_call_ = false;      // the client
  bool maintaining_ = false, taking_over_ = false;
  std::size_t acknowledged_ = 0;
  Time next_collect_{0}, next_look_{0};
  Seq checked_seq_{};
  std::shared_ptr<const live::Snapshot> checked_;
};

class ReaderProcess final : public Process {
 public:
  ReaderProcess(World& world, Host& host, std::string name);
  void start();
  void check();
  /// A file is about to go: whether this reader may still want it.
  [[nodiscard]] bool needs(const std::string& path) const;
  [[nodiscard]] bool healthy() const { return follower_ != nullptr && follower_->health().has_value(); }
  [[nodiscard]] const Shown& shown() const noexcept { return shown_; }

 private:
  void loop();
  void open();
  void follow();
  void check_freshness(Time asked);

  reader::FollowerOptions options_;
  std::unique_ptr<reader::Follower> follower_;
  std::shared_ptr<live::LiveState> state_;
  Shown shown_;
  Seq checked_seq_{};
  std::shared_ptr<const live::Snapshot> checked_;
};

}  // namespace ndb::sim
