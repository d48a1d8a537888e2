#include "tests/crash/life.hpp"

#include "writer/segments/graph_build.hpp"

namespace ndb::test {
namespace {

constexpr std::uint64_t kIds = 10;
constexpr std::uint64_t kLargestBatch = 4;

std::string id_of(std::uint64_t number) { return "id" + std::to_string(number); }

std::vector<float> vector_of(float value) { return {value, 1.0F}; }

}  // namespace

Status Life::create() {
  return writer::create_collection(disk_, kSimFolder, "docs",
                                   {.dim = 2, .distance = Distance::euclidean, .durability = durability_});
}

Status Life::next_writer() {
  NDB_TRY_ASSIGN(auto taken, writer::take_over(disk_, kSimCollection, "1@sim/boot"));
  const Seq applied = taken.state->applied_seq();
  std::string why;
  const auto found = walk(*taken.state->snapshot(), applied, why);
  complain(found ? history_.problem(applied, *found, history_.acknowledged(), disk_.journal_size()) : why);
  history_.go_on_from(applied, disk_.journal_size());
  engine_ = std::make_unique<Engine>(disk_, kSimCollection, std::move(taken), options_);
  collector_.emplace(engine_->context, options_, base::system_clock());
  return {};
}

Status Life::open() {
  kill();
  return next_writer();
}

Status Life::step() {
  if (!opened()) return open();
  switch (random_() % 24) {
    case 0: case 1: return sync();
    case 2: case 3: return flush();
    case 4: return merge();
    case 5: return index();
    case 6: return random_() % 3 == 0 ? delete_index() : Status{};
    case 7: return collect();
    case 8: return open();
    case 9: return random_() % 2 == 0 ? close() : Status{};
    case 10: return be_replaced();
    case 11: case 12: case 13: return remove();
    case 14: {
      // As the group commit does when a memtable is full: writing goes on in the next file, and the flush comes later.
      if (engine_->log.needs_next()) return flush();
      if (auto frozen = engine_->log.freeze(); !frozen) return std::unexpected(frozen.error());
      return put();
    }
    default: return put();
  }
}

Status Life::all_once() {
  NDB_TRY(create());
  NDB_TRY(open());
  for (int i = 0; i < 2; ++i) NDB_TRY(put());
  NDB_TRY(sync());
  NDB_TRY(flush());
  NDB_TRY(put());
  NDB_TRY(remove());
  NDB_TRY(flush());
  NDB_TRY(index());
  NDB_TRY(put());
  NDB_TRY(merge());
  NDB_TRY(collect());
  NDB_TRY(open());
  NDB_TRY(put());
  NDB_TRY(flush());
  NDB_TRY(collect());
  NDB_TRY(delete_index());
  NDB_TRY(be_replaced());
  NDB_TRY(put());
  return close();
}

Status Life::write(const format::WalBodyBuilder& body, Contents after) {
  if (const auto why = failure()) {
    const auto refused = engine_->log.write(body);
    if (refused) complain("a batch was acknowledged after the log had failed");
    return std::unexpected(*why);
  }
  const Seq last{engine_->log.state().applied_seq().value + body.op_count()};
  history_.begin(last, std::move(after), disk_.journal_size());
  const auto written = engine_->log.write(body);
  if (!written && !failure()) history_.cancel();
  if (!written) return std::unexpected(written.error());
  if (written->seq != last) complain("the acknowledgement says another seq");
  history_.acknowledged(last);
  if (durability_ == Durability::sync) history_.durable(last, disk_.journal_size());
  return {};
}

Status Life::put() {
  format::WalBodyBuilder body;
  Contents after = history_.contents();
  value_ += 1.0F;
  for (std::uint64_t i = 0, count = 1 + random_() % kLargestBatch; i < count; ++i) {
    const auto id = id_of(random_() % kIds);
    body.put(id, vector_of(value_), {});
    after[id] = value_;
  }
  return write(body, std::move(after));
}

Status Life::remove() {
  format::WalBodyBuilder body;
  Contents after = history_.contents();
  for (std::uint64_t i = 0, count = 1 + random_() % kLargestBatch; i < count; ++i) {
    const auto id = id_of(random_() % kIds);
    body.remove(id);
    after.erase(id);
  }
  return write(body, std::move(after));
}

Status Life::sync() {
  const Seq applied = engine_->log.state().applied_seq();
  NDB_TRY(engine_->log.sync());
  history_.durable(applied, disk_.journal_size());
  return {};
}

Status Life::flush_frozen() {
  for (;;) {
    if (engine_->log.needs_next())
      if (auto added = engine_->publisher.publish([](format::Manifest&) -> Status { return {}; }); !added)
        return std::unexpected(added.error());
    NDB_TRY_ASSIGN(const bool flushed, writer::flush_oldest(engine_->context, {}));
    history_.durable(engine_->publisher.current()->flushed_seq, disk_.journal_size());
    if (!flushed) return {};
  }
}

Status Life::flush() {
  NDB_TRY(flush_frozen());
  if (auto frozen = engine_->log.freeze(); !frozen) return std::unexpected(frozen.error());
  return flush_frozen();
}

writer::BuildGraph Life::graph_builder() const {
  return [this](const segment::SegmentView& view, const index::ReusedGraph* reused) {
    std::atomic<double> progress{0};
    const std::stop_source never;
    return writer::build_graph(view, reused, engine_->publisher.current()->config.hnsw, 1, progress, never.get_token());
  };
}

Status Life::merge() {
  auto ids = engine_->segment_ids();
  if (ids.empty()) return {};
  const auto first = static_cast<std::ptrdiff_t>(random_() % ids.size());
  ids.erase(ids.begin(), ids.begin() + first);
  ids.resize(std::min<std::size_t>(ids.size(), 1 + random_() % 4));
  const auto merged = writer::merge_segments(engine_->context, ids, options_.index_min_rows, graph_builder(), {});
  return merged ? Status{} : std::unexpected(merged.error());
}

Status Life::index() {
  const auto ids = engine_->segment_ids();
  if (ids.empty() || !engine_->publisher.current()->index_enabled) return {};
  const auto built = writer::index_segment(engine_->context, ids[random_() % ids.size()], graph_builder());
  return built ? Status{} : std::unexpected(built.error());
}

Status Life::delete_index() {
  const auto deleted = engine_->publisher.publish([](format::Manifest& next) -> Status {
    for (auto& segment : next.segments) segment.hnsw.reset();
    return {};
  });
  return deleted ? Status{} : std::unexpected(deleted.error());
}

Status Life::collect() { return collector_->collect(std::nullopt); }

Status Life::close() {
  const Seq applied = engine_->log.state().applied_seq();
  const auto status = engine_->log.close();
  if (status) history_.durable(applied, disk_.journal_size());
  kill();
  return status;
}

Status Life::be_replaced() {
  auto old = std::move(engine_);
  collector_.reset();
  NDB_TRY(next_writer());
  replaced_one_calls_ = true;
  if (old->put({"zombie"}, -1)) complain("a replaced writer acknowledged a batch");
  if (random_() % 2 == 0 && old->publisher.publish([](format::Manifest&) -> Status { return {}; }))
    complain("a replaced writer published a manifest");
  if (random_() % 2 == 0 && writer::Collector(old->context, options_, base::system_clock()).collect(std::nullopt))
    complain("a replaced writer collected files");
  replaced_one_calls_ = false;
  return {};
}

std::string Life::problem_in_memory() {
  if (!opened()) return {};
  const auto snapshot = engine_->log.state().snapshot();
  const Seq applied = snapshot->visible_seq();
  std::string why;
  const auto found = walk(*snapshot, applied, why);
  return found ? history_.problem(applied, *found, history_.acknowledged(), disk_.journal_size()) : why;
}

}  // namespace ndb::test
