#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/processes.hpp"
#include "writer/segments/compaction_policy.hpp"
#include "writer/segments/merge.hpp"

namespace ndb::sim {

// The parts of a writer, wired as CollectionWriter does.
struct WriterProcess::Engine {
  Engine(WriterProcess& process, writer::TakenOver taken)
      : manifest(taken.manifest),
        log(*process.files_, process.world_.collection, process.options_, std::move(taken),
            [](Seq, format::WalName, std::uint64_t) {}, [] {}),
        publisher(*process.files_, process.world_.collection, log, manifest,
                  [&process](ManifestVersion) { ++process.world_.report.swaps; }, process.host_.clock),
        context{*process.files_, process.world_.collection, log, publisher, pending},
        collector(context, process.options_, process.host_.clock) {}

  std::shared_ptr<const format::Manifest> manifest;
  writer::CommitLog log;
  writer::ManifestPublisher publisher;
  writer::PendingSegments pending;
  writer::FlushContext context;
  writer::Collector collector;
};

WriterProcess::WriterProcess(World& world, Host& host, std::string name) : Process(world, host, std::move(name), false) {
  options_.backpressure_timeout = 0ms;
  options_.gc_grace = world.bug == Bug::no_grace ? 0ms : world.grace;
  options_.kept_manifests = world.kept_manifests;
}

WriterProcess::~WriterProcess() = default;

void WriterProcess::start() {
  actors_.push_back(world_.scheduler.spawn(name_, [this] { client(); }));
  actors_.push_back(world_.scheduler.spawn(name_ + "'s maintenance", [this] { maintain(); }, [this] { return !in_call_; }));
}

void WriterProcess::client() {
  while (!world_.over()) {
    rest(20ms, world_.healing ? Time(2s) : Time(400ms));
    if (dead()) {
      give_up();
      rest(100ms, 5s);
      if (enabled) revive();
    } else if (engine_ == nullptr) {
      if (enabled && !world_.locked_out(*this)) take_over();
    } else if (engine_->log.failure()) {
      give_up();
      rest(100ms, 2s);
    } else {
      write();
    }
  }
  kill();
  give_up();
}

// The maintenance must have left the engine first: a killed one does at its next call.
void WriterProcess::give_up() {
  while (maintaining_) {
    if (world_.over()) world_.scheduler.wake(actors_[1]);
    world_.scheduler.sleep(1ms);
  }
  engine_.reset();
}

void WriterProcess::take_over() {
  taking_over_ = true;
  auto taken = writer::take_over(*files_, world_.collection, name_ + "@" + host_.kernel(), host_.clock);
  taking_over_ = false;
  if (dead()) return;
  if (!taken) return must_not_be_corruption("taking over", taken.error());
  ++world_.report.take_overs;
  engine_ = std::make_unique<Engine>(*this, std::move(*taken));
  Shown content;
  if (const auto complaint = world_.history.look(engine_->log.state().view(), content); !complaint.empty())
    return world_.complain(name_, "after taking over: " + complaint);
  world_.history.taken_over(engine_->log.epoch(), host_.id(), content);
}

void WriterProcess::write() {
  in_call_ = true;
  auto& log = engine_->log;
  const auto choice = world_.random.below(10);
  if (choice == 0) {
    static_cast<void>(log.freeze());
  } else if (choice == 1) {
    const Seq through = log.state().applied_seq();
    if (log.sync() && !dead()) world_.history.synced(log.epoch(), through);
  } else {
    const std::size_t number =
        world_.history.begin(log.epoch(), log.state().applied_seq().next(), host_.id(), world_.random).number;
    const auto body = world_.history.batches()[number].body();
    world_.network.note("writes", "", describe(world_.history.batches()[number]));
    files_->committing = log.epoch();
    const auto result = log.write(body);
    files_->committing.reset();
    if (result && !dead()) {
      ++acknowledged_;
      const bool durable = world_.config.durability == Durability::sync;
      world_.network.note("acknowledges", "", fmt::format("batch {}", number));
      const auto complaint = world_.history.acknowledge(number, result->seq, durable, world_.scheduler.now());
      if (!complaint.empty()) world_.complain(name_, complaint);
    } else if (!result && !dead()) {
      must_not_be_corruption("writing", result.error());
    }
  }
  in_call_ = false;
}

void WriterProcess::maintain() {
  while (!world_.over()) {
    rest(50ms, world_.healing ? Time(1s) : Time(500ms));
    if (engine_ == nullptr || dead() || engine_->log.failure()) continue;
    maintaining_ = true;
    maintain_once();
    maintaining_ = false;
  }
}

void WriterProcess::maintain_once() {
  auto& engine = *engine_;
  const Time now = world_.scheduler.now();
  Status status;
  if (engine.log.needs_next()) {
    if (const auto added = engine.publisher.publish([](format::Manifest&) -> Status { return {}; }); !added)
      status = std::unexpected(added.error());
  } else if (now >= next_look_) {
    status = engine.publisher.still_ours();
    next_look_ = now + 5s;
  } else if (now >= next_collect_) {
    status = engine.collector.collect({});
    next_collect_ = now + Time(options_.gc_grace) / 4;
  } else if (world_.random.one_in(4)) {
    status = merge();
  } else if (const auto flushed = writer::flush_oldest(engine.context, {}); !flushed) {
    status = std::unexpected(flushed.error());
  }
  if (!status && !dead()) must_not_be_corruption("maintenance", status.error());
}

Status WriterProcess::merge() {
  std::vector<writer::SegmentSize> sizes;
  const auto manifest = engine_->publisher.current();
  for (const auto& segment : manifest->segments) sizes.push_back({segment.id, segment.rows, segment.deleted});
  const auto ids = writer::choose_merge(sizes, options_);
  if (ids.empty()) return {};
  const auto no_graph = [](const segment::SegmentView&, const index::ReusedGraph*) -> Result<std::vector<std::byte>> {
    return fail(ErrorCode::internal, "too small for a graph");
  };
  NDB_TRY(writer::merge_segments(engine_->context, ids, ~0U, no_graph, {}));
  return {};
}

bool WriterProcess::flushed() const {
  return engine_ != nullptr && engine_->log.state().snapshot()->memtables.size() == 1;
}

void WriterProcess::check() {
  if (engine_ == nullptr || dead()) return;
  const auto view = engine_->log.state().view();
  if (view.snapshot == checked_ && view.seq == checked_seq_) return;
  checked_ = view.snapshot;
  checked_seq_ = view.seq;
  Shown shown;
  if (const auto complaint = world_.history.look(view, shown); !complaint.empty()) world_.complain(name_, complaint);
}

}  // namespace ndb::sim
