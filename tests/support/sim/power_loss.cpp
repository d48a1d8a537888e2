#include "tests/support/sim/power_loss.hpp"

#include <algorithm>

namespace ndb::test::sim {
namespace {

constexpr std::uint64_t kSectorBytes = 512;
constexpr std::size_t kAllSubsetsUpTo = 5;

}  // namespace

void PowerLoss::apply(const Op& op) {
  switch (op.kind) {
    // A node without a name is nothing; that it is there needs no sync of its own.
    case Op::Kind::make_node: durable_.nodes.emplace(op.node, std::make_shared<Node>(Node{.folder = op.folder})); break;
    case Op::Kind::entries: units_.push_back({.entries = op.entries}); break;
    case Op::Kind::write: {
      auto unit = std::ranges::find_if(units_, [&](const Unit& u) { return u.file == op.node && !u.doomed; });
      if (unit == units_.end()) unit = units_.insert(unit, {.file = op.node});
      unit->writes.push_back({op.offset, op.bytes});
      break;
    }
    case Op::Kind::sync_file: sync_file(op.node); break;
    case Op::Kind::sync_file_failed:
      for (auto& unit : units_) unit.doomed = unit.doomed || unit.file == op.node;
      break;
    case Op::Kind::sync_folder: sync_folder(op.node); break;
  }
}

void PowerLoss::sync_file(NodeId file) {
  const auto unit = std::ranges::find_if(units_, [&](const Unit& u) { return u.file == file && !u.doomed; });
  if (unit == units_.end()) return;
  auto node = std::make_shared<Node>(*durable_.nodes.at(file));
  write_all(node->bytes, *unit);
  durable_.nodes[file] = std::move(node);
  units_.erase(unit);
}

void PowerLoss::sync_folder(NodeId folder) {
  const auto here = [&](const Unit& unit) { return std::ranges::find(unit.entries, folder, &Entry::folder) != unit.entries.end(); };
  for (const auto& unit : units_)
    if (here(unit)) enter(durable_, unit.entries);
  std::erase_if(units_, here);
}

void PowerLoss::enter(Image& image, const std::vector<Entry>& entries) {
  for (const auto& [folder, name, child] : entries) {
    auto node = std::make_shared<Node>(*image.nodes.at(folder));
    if (child == kNoNode) node->entries.erase(name);
    else node->entries[name] = child;
    image.nodes[folder] = std::move(node);
  }
}

void PowerLoss::write_all(std::vector<std::byte>& bytes, const Unit& unit) {
  for (const auto& write : unit.writes) write_into(bytes, write.offset, write.bytes);
}

// The file gets some length between its durable one and that of all writes; each sector of each write is kept, lost, or (where nothing
// durable was) garbage.
void PowerLoss::tear(std::vector<std::byte>& bytes, const Unit& unit, std::mt19937_64& random) {
  const std::uint64_t durable_bytes = bytes.size();
  auto whole = bytes;
  write_all(whole, unit);
  std::uint64_t length = durable_bytes + random() % (whole.size() - durable_bytes + 1);
  if (random() % 3 == 0) length = whole.size();
  if (random() % 3 == 0) length = std::max(durable_bytes, length / kSectorBytes * kSectorBytes);
  bytes.resize(length);
  const bool garbage = random() % 4 == 0;
  const bool all_there = random() % 2 == 0;  // only cut off
  for (const auto& write : unit.writes)
    for (std::uint64_t at = write.offset, end = write.offset + write.bytes.size(); at < end;) {
      const std::uint64_t stop = std::min({end, (at / kSectorBytes + 1) * kSectorBytes, length});
      if (at >= stop) break;
      const auto from = base::ByteSpan(write.bytes).subspan(at - write.offset, stop - at);
      if (all_there || random() % 2 == 0) {
        write_into(bytes, at, from);
      } else if (garbage && at >= durable_bytes) {
        for (std::uint64_t i = at; i < stop; ++i) bytes[i] = static_cast<std::byte>(random());
      }
      at = stop;
    }
}

Image PowerLoss::left(const std::vector<Fate>& fates, std::mt19937_64& random) const {
  Image image = durable_;
  for (std::size_t i = 0; i < units_.size(); ++i) {
    const Unit& unit = units_[i];
    const Fate fate = fates[i];
    if (fate == Fate::lost) continue;
    if (!unit.entries.empty()) {
      enter(image, unit.entries);
      continue;
    }
    auto node = std::make_shared<Node>(*image.nodes.at(unit.file));
    if (fate == Fate::kept) write_all(node->bytes, unit);
    else tear(node->bytes, unit, random);
    image.nodes[unit.file] = std::move(node);
  }
  return image;
}

std::vector<std::vector<Fate>> interesting_fates(const PowerLoss& loss, std::mt19937_64& random, std::size_t samples) {
  const std::size_t units = loss.units();
  const std::vector<Fate> none(units, Fate::lost), all(units, Fate::kept);
  std::vector<std::vector<Fate>> fates = {none};
  if (units == 0) return fates;
  fates.push_back(all);
  const auto but = [&](std::vector<Fate> list, std::size_t unit, Fate fate) {
    list[unit] = fate;
    fates.push_back(std::move(list));
  };
  for (std::size_t unit = 0; unit < units; ++unit) {
    but(none, unit, Fate::kept);
    but(all, unit, Fate::lost);
    if (!loss.can_tear(unit)) continue;
    but(none, unit, Fate::torn);
    but(all, unit, Fate::torn);
  }
  for (std::size_t subset = 0; units <= kAllSubsetsUpTo && subset < std::size_t{1} << units; ++subset) {
    fates.push_back(none);
    for (std::size_t unit = 0; unit < units; ++unit)
      if ((subset >> unit & 1U) != 0) fates.back()[unit] = Fate::kept;
  }
  for (std::size_t sample = 0; sample < samples; ++sample) {
    fates.push_back(none);
    for (auto& fate : fates.back()) fate = static_cast<Fate>(random() % 3);
  }
  return fates;
}

}  // namespace ndb::test::sim
