// The life of a small collection on a simulated disk: batches, removals, syncs, flushes, graphs, merges, collecting, take-overs, writers
// that were replaced without knowing. Everything that is decided comes from a seed, and nothing runs beside it: the same seed makes
// the same calls. One thread.
#pragma once

#include <memory>
#include <optional>
#include <random>

#include "tests/crash/history.hpp"
#include "tests/support/sim/sim_disk.hpp"
#include "tests/unit/writer/writer_bench.hpp"

namespace ndb::test {

inline const fs::Path kSimFolder = "/sim/data";
inline const fs::Path kSimCollection = kSimFolder / "docs";

class Life {
 public:
  Life(sim::SimDisk& disk, History& history, Durability durability, std::uint64_t seed)
      : disk_(disk), history_(history), durability_(durability), random_(seed) {}

  /// Creates the collection.
  Status create();
  /// Opens it as the next writer, as after a kill: everything acknowledged must be there.
  Status open();
  /// One random step. An error is the first call's that failed.
  Status step();
  /// A fixed life in which everything happens once; ends with a clean close.
  Status all_once();

  Status put();
  Status remove();
  Status sync();
  Status flush();
  Status merge();
  Status index();
  Status delete_index();
  Status collect();
  Status close();
  /// Another writer takes over while this one lives on; what the old one still tries must fail.
  Status be_replaced();

  /// Searching this process's state finds what was acknowledged, whatever happened to the files. Empty if so.
  [[nodiscard]] std::string problem_in_memory();
  [[nodiscard]] bool opened() const noexcept { return engine_ != nullptr; }
  [[nodiscard]] std::optional<Error> failure() const { return engine_ != nullptr ? engine_->log.failure() : std::nullopt; }
  /// kill -9.
  void kill() {
    collector_.reset();
    engine_.reset();
  }
  /// Whether it is the replaced writer that is calling now.
  [[nodiscard]] bool replaced_one_calls() const noexcept { return replaced_one_calls_; }
  /// What went wrong that is no error of a call.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  Status write(const format::WalBodyBuilder& body, Contents after);
  Status flush_frozen();
  Status next_writer();
  void complain(const std::string& what) {
    if (problem_.empty()) problem_ = what;
  }
  [[nodiscard]] writer::BuildGraph graph_builder() const;

  sim::SimDisk& disk_;
  History& history_;
  const Durability durability_;
  std::mt19937_64 random_;
  writer::WriterOptions options_{.backpressure_timeout = std::chrono::milliseconds(0), .gc_grace = std::chrono::milliseconds(0),
                                 .kept_manifests = 1, .index_threads = 1, .index_min_rows = 2};
  std::unique_ptr<Engine> engine_;
  std::optional<writer::Collector> collector_;
  float value_ = 0;
  bool replaced_one_calls_ = false;
  std::string problem_;
};

}  // namespace ndb::test
