#include "tests/simulation/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ranges>

namespace ndb::sim {
namespace {

std::string own_id(std::size_t batch) { return "b" + std::to_string(batch); }
std::string shared_id(std::size_t shared) { return "s" + std::to_string(shared); }

// Rows become what the view holds.
class Collect {
 public:
  Collect(Shown& shown, std::array<float, kShared>& shared) : shown_(shown), shared_(shared) {}

  void row(std::string_view id, float value) {
    std::size_t number = 0;
    std::from_chars(id.data() + 1, id.data() + id.size(), number);
    if (id.empty() || (id[0] == 's' && number >= kShared)) return complain(id, "is no id that was ever written");
    if (id[0] == 's') {
      if (shared_[number] != 0) return complain(id, "is there twice");
      shared_[number] = value;
      return;
    }
    if (value != static_cast<float>(number + 1)) return complain(id, "has a vector of something else");
    if (shown_.batches.size() <= number) shown_.batches.resize(number + 1);
    if (shown_.batches[number]) return complain(id, "is there twice");
    shown_.batches[number] = true;
  }
  [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }

 private:
  void complain(std::string_view id, const char* what) { complaint_ = fmt::format("document {} {}", id, what); }
  Shown& shown_;
  std::array<float, kShared>& shared_;
  std::string complaint_;
};

}  // namespace

std::string describe(const Batch& batch) {
  std::string text = fmt::format("batch {} (epoch {}, seq {}-{}", batch.number, batch.epoch.value, batch.first.value, batch.last().value);
  for (const auto& operation : batch.operations) text += fmt::format(", {}s{}", operation.put ? "" : "without ", operation.shared);
  return text + (batch.acknowledged ? "; acknowledged)" : ")");
}

format::WalBodyBuilder Batch::body() const {
  const std::array<float, kDim> vector = {static_cast<float>(number + 1), 1.0F};
  format::WalBodyBuilder body;
  body.put(own_id(number), vector, {});
  for (const auto& operation : operations) {
    if (operation.put) body.put(shared_id(operation.shared), vector, {});
    else body.remove(shared_id(operation.shared));
  }
  return body;
}

Batch& History::begin(Epoch epoch, Seq first, int host, Random& random) {
  Batch& batch = batches_.emplace_back();
  batch.number = batches_.size() - 1;
  batch.epoch = epoch;
  batch.first = first;
  batch.host = host;
  for (std::uint64_t i = random.below(4); i > 0; --i)
    batch.operations.push_back({static_cast<std::size_t>(random.below(kShared)), !random.one_in(3)});
  return batch;
}

std::string History::acknowledge(std::size_t number, Seq seq, bool durable, Time now) {
  Batch& batch = batches_[number];
  if (!durable && std::ranges::any_of(replaced_, [&](const Replaced& later) { return later.by > batch.epoch && later.host != batch.host; }))
    return {};
  batch.acknowledged = true;
  batch.durable = durable;
  batch.acknowledged_at = now;
  if (seq != batch.last()) return fmt::format("{} was acknowledged as seq {}", describe(batch), seq.value);
  for (const auto& other : batches_)
    if (&other != &batch && other.acknowledged && other.first <= batch.last() && batch.first <= other.last())
      return fmt::format("{} and {} have numbers in common", describe(other), describe(batch));
  for (const auto& later : take_overs_)
    if (later.epoch > batch.epoch && !later.content.holds(number))
      return fmt::format("{} was acknowledged after epoch {} took over without it", describe(batch), later.epoch.value);
  return {};
}

void History::replaced(Epoch by, int host) {
  replaced_.push_back({by, host});
  for (auto& batch : batches_)
    if (batch.acknowledged && !batch.durable && batch.epoch < by && batch.host != host) batch.acknowledged = false;
}

void History::synced(Epoch epoch, Seq seq) {
  for (auto& batch : batches_)
    if (batch.epoch == epoch && batch.acknowledged && batch.last() <= seq) batch.durable = true;
}

void History::forgive(const std::function<bool(int)>& of) {
  for (auto& batch : batches_)
    if (batch.acknowledged && !batch.durable && of(batch.host)) batch.acknowledged = false;
}

std::string History::look(const live::View& view, Shown& shown) const {
  const auto& [snapshot, seq] = view;
  shown = {.seq = seq, .version = snapshot->manifest->version, .batches = std::vector<bool>(batches_.size())};
  std::array<float, kShared> shared{};
  Collect collect(shown, shared);
  for (const auto& slot : snapshot->segments)
    for (Row row = 0; row < slot.view->rows(); ++row)
      if (slot.tombstones->visible(row, seq)) collect.row(slot.view->row_id(row), slot.view->vector(row)[0]);
  for (const auto& memtable : snapshot->memtables)
    for (Row row = 0, rows = memtable->row_count(); row < rows; ++row)
      if (memtable->visible(row, seq)) collect.row(memtable->row_id(row), memtable->vector(row)[0]);
  if (!collect.complaint().empty()) return collect.complaint();
  for (std::size_t i = 0; i < kShared; ++i) {
    const auto found = snapshot->find(shared_id(i), seq);
    if ((found ? found->vector()[0] : 0.0F) != shared[i]) return fmt::format("{} is not what its id leads to", shared_id(i));
  }
  if (const auto damage = snapshot->damage(); !damage) return damage.error().message;
  return replay(shown, snapshot->manifest->epoch.next(), shared);
}

// The batches must follow one another without a gap up to the view's number, hold every acknowledged one, and add up to
// what the shared documents are.
std::string History::replay(const Shown& shown, Epoch excused_from, const std::array<float, kShared>& shared) const {
  std::vector<const Batch*> order;
  for (const auto& batch : batches_)
    if (shown.holds(batch.number)) order.push_back(&batch);
  std::ranges::sort(order, {}, [](const Batch* batch) { return batch->first; });
  Seq next{1};
  std::array<float, kShared> expected{};
  for (const Batch* batch : order) {
    if (batch->first != next)
      return fmt::format("{} does not follow on seq {}", describe(*batch), next.value - 1);
    next = batch->last().next();
    for (const auto& operation : batch->operations)
      expected[operation.shared] = operation.put ? static_cast<float>(batch->number + 1) : 0.0F;
  }
  if (next != shown.seq.next()) return fmt::format("it ends at seq {}, but says {}", next.value - 1, shown.seq.value);
  for (const auto& batch : batches_)
    if (batch.acknowledged && batch.epoch < excused_from && batch.last() <= shown.seq && !shown.holds(batch.number))
      return fmt::format("{} is missing at seq {}", describe(batch), shown.seq.value);
  for (std::size_t i = 0; i < kShared; ++i)
    if (shared[i] != expected[i])
      return fmt::format("{} is {} instead of {}: of a batch only a part is there", shared_id(i), shared[i], expected[i]);
  return {};
}

std::string History::went_on(const Shown& before, const Shown& after) const {
  if (after.version < before.version)
    return fmt::format("went from manifest {} back to {}", before.version.value, after.version.value);
  bool dropped = false;
  for (const auto& batch : batches_) {
    if (!before.holds(batch.number) || after.holds(batch.number)) continue;
    dropped = true;
    if (batch.acknowledged) return fmt::format("lost {} that it had shown", describe(batch));
  }
  if (!dropped && after.seq < before.seq) return fmt::format("went from seq {} back to {}", before.seq.value, after.seq.value);
  return {};
}

const Batch* History::missing(const Shown& shown, Time at) const {
  for (const auto& batch : batches_ | std::views::reverse)
    if (batch.acknowledged && batch.acknowledged_at <= at && !shown.holds(batch.number)) return &batch;
  return nullptr;
}

std::size_t History::acknowledged() const {
  return static_cast<std::size_t>(std::ranges::count(batches_, true, &Batch::acknowledged));
}

}  // namespace ndb::sim
