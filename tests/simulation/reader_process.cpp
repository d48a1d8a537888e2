#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/processes.hpp"

namespace ndb::sim {
namespace {

// A reader that polls and is not held up shows what was acknowledged so long ago; above every delay of a host and of writing back.
constexpr Time kFresh = 5s;

}  // namespace

Process::Process(World& world, Host& host, std::string name, bool reader)
    : world_(world), host_(host), name_(std::move(name)), reader_(reader) {
  revive();
}

void Process::revive() {
  files_.reset();
  fs_ = std::make_unique<ProcessFs>(world_.network, host_);
  files_ = std::make_unique<BuggyFs>(*fs_, world_.collection, world_.bug, reader_);
}

void Process::kill() {
  fs_->die();
  wake();
}

void Process::wake() {
  for (const auto actor : actors_) world_.scheduler.wake(actor);
}

void Process::must_not_be_corruption(const char* what, const Error& error) {
  if (error.code == ErrorCode::corruption || error.code == ErrorCode::internal)
    world_.complain(name_, std::string(what) + ": " + error.message);
}

ReaderProcess::ReaderProcess(World& world, Host& host, std::string name) : Process(world, host, std::move(name), true) {
  options_.shared_memory = false;
  options_.own_thread = false;
  options_.fence_after = world.grace / 2;
}

void ReaderProcess::start() {
  actors_.push_back(world_.scheduler.spawn(name_, [this] { loop(); }));
}

void ReaderProcess::loop() {
  while (!world_.over()) {
    rest(50ms, world_.healing ? Time(2s) : Time(1s));
    if (dead()) {
      follower_.reset();
      state_.reset();
      rest(100ms, 3s);
      revive();
    } else if (follower_ == nullptr) {
      open();
    } else {
      follow();
    }
  }
  kill();
  follower_.reset();
  state_.reset();
}

void ReaderProcess::open() {
  auto opened = reader::Follower::open(*files_, world_.collection, options_, host_.clock);
  if (dead()) return;
  if (!opened) return must_not_be_corruption("opening", opened.error());
  follower_ = std::move(*opened);
  shown_ = {};
  checked_.reset();
  check();
}

void ReaderProcess::follow() {
  const Time asked = world_.scheduler.now();
  follower_->follow_once();
  if (dead()) return;
  check();
  const auto health = follower_->health();
  if (!health) return must_not_be_corruption("following", health.error());
  if (world_.scheduler.now() < asked + 1s) check_freshness(asked);
}

void ReaderProcess::check_freshness(Time asked) {
  if (asked < world_.current_led_to_newest + kFresh) return;
  const Time before = asked - kFresh;
  if (const auto* batch = world_.history.missing(shown_, before))
    world_.complain(name_, fmt::format("polls, and still does not show batch {} (epoch {}, seq {}), acknowledged at {} ms", batch->number,
                                       batch->epoch.value, batch->first.value, batch->acknowledged_at / 1ms));
}

void ReaderProcess::check() {
  if (follower_ == nullptr || dead()) return;
  state_ = follower_->state();
  const auto view = state_->view();
  if (view.snapshot == checked_ && view.seq == checked_seq_) return;
  checked_ = view.snapshot;
  checked_seq_ = view.seq;
  Shown now;
  auto complaint = world_.history.look(view, now);
  if (complaint.empty()) complaint = world_.history.went_on(shown_, now);
  if (!complaint.empty()) world_.complain(name_, complaint);
  shown_ = std::move(now);
}

bool ReaderProcess::needs(const std::string& path) const {
  if (follower_ == nullptr || fs_->dead() || follower_->since_confirmed() > options_.fence_after) return false;
  const auto manifest = follower_->state()->snapshot()->manifest;
  const auto is = [&](const fs::Path& file) { return file.native() == path; };
  for (const auto& wal : manifest->wals)
    if (is(format::wal_path(world_.collection, wal.name))) return true;
  for (const auto& segment : manifest->segments) {
    const auto folder = format::segment_folder(world_.collection, segment.id);
    for (const auto* file : {&segment.vectors, &segment.ids, &segment.payloads})
      if (is(folder / file->name)) return true;
    for (const auto& file : {segment.delete_set, segment.attributes})
      if (file && is(folder / file->name)) return true;
  }
  return false;
}

}  // namespace ndb::sim
