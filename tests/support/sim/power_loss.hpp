// What a power loss may leave of a disk, by the rules that POSIX gives and no kinder ones:
//   - what a file was synced with is there; of what was written later, any pieces of a sector (512 bytes) may be there or not, and
//     where one is missing in the new part of a file there are zeros or garbage; the file may have any length in between;
//   - folder entries that were made, renamed or removed since the folder was synced are there or not, each for itself, a rename as a
//     whole; syncing a file says nothing about its name;
//   - what a failed sync was to write may never become durable, whatever is synced later.
//
// Feed it the journal of a SimDisk, one Op after the other; units() are then the changes that a power loss could undo. One thread.
#pragma once

#include <random>

#include "tests/support/sim/sim_image.hpp"

namespace ndb::test::sim {

enum class Fate { lost, kept, torn };

class PowerLoss {
 public:
  explicit PowerLoss(Image start) : durable_(std::move(start)) {}

  void apply(const Op& op);
  /// Each is an entry change, or everything that was written to one file since it was synced.
  [[nodiscard]] std::size_t units() const { return units_.size(); }
  /// Whether unit i is the content of a file, and so can be torn.
  [[nodiscard]] bool can_tear(std::size_t unit) const { return units_[unit].entries.empty(); }
  /// The disk after a power loss now. fates: one for each unit; a torn one is left in a state that `random` chooses.
  [[nodiscard]] Image left(const std::vector<Fate>& fates, std::mt19937_64& random) const;

 private:
  struct Write {
    std::uint64_t offset;
    std::vector<std::byte> bytes;
  };
  struct Unit {
    std::vector<Entry> entries{};  // an entry change, or:
    NodeId file = kNoNode;
    std::vector<Write> writes{};
    bool doomed = false;           // its sync failed
  };

  void sync_file(NodeId file);
  void sync_folder(NodeId folder);
  static void enter(Image& image, const std::vector<Entry>& entries);
  static void write_all(std::vector<std::byte>& bytes, const Unit& unit);
  static void tear(std::vector<std::byte>& bytes, const Unit& unit, std::mt19937_64& random);

  Image durable_;
  std::vector<Unit> units_;  // in the order of their first change
};

/// Which states to look at: nothing left, everything left, each unit alone, all but each unit, each file torn; every subset where
/// the units are few; and `samples` random mixtures.
[[nodiscard]] std::vector<std::vector<Fate>> interesting_fates(const PowerLoss& loss, std::mt19937_64& random, std::size_t samples);

}  // namespace ndb::test::sim
