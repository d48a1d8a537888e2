// One run: a volume, hosts, two writers, three readers, bad weather, and everything that must hold all the while.
//
// Threads: one.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/history.hpp"
#include "tests/simulation/host.hpp"
#include "tests/simulation/planted_bugs.hpp"

namespace ndb::sim {

class WriterProcess;
class ReaderProcess;

/// What a run did; complaint is empty if all was well.
struct Report {
  std::string complaint;
  std::string story;  ///< the newest events, if there is a complaint
  std::uint64_t fingerprint = 0;
  std::uint64_t steps = 0;
  std::size_t batches = 0, acknowledged = 0, take_overs = 0, swaps = 0, collected = 0, crashes = 0;
};

class World final : public VolumeObserver {
 public:
  World(std::uint64_t seed, Bug bug);
  ~World() override;

  [[nodiscard]] Report run();

  // --- for the processes ---
  Scheduler scheduler;
  Random random;
  Volume volume;
  Network network;
  History history;
  const Bug bug;
  const fs::Path collection = "/data/docs";
  CollectionConfig config{};
  std::chrono::milliseconds grace{};
  std::uint32_t kept_manifests = 1;
  bool stopping = false;  // everybody: come to an end
  bool healing = false;   // good weather, one writer
  Report report;
  Time current_led_to_newest{0};  // since then CURRENT names the newest manifest; max() while it does not

  void complain(const std::string& who, const std::string& what);
  [[nodiscard]] bool over() const noexcept { return stopping; }
  /// Whether the write lock keeps this writer out now.
  [[nodiscard]] bool locked_out(const WriterProcess& writer);

 private:
  // VolumeObserver
  void created(const std::string& path, const Node& node) override;
  void replaced(const std::string& path, const Node& node) override;
  void removed(const std::string& path, const Node& node) override;
  void changed_frozen(const Node& node) override;
  void lost(const std::string& path) override { names_.erase(path); }

  void manifest_created(const std::string& path, const Node& node, ManifestVersion version);
  void check_named_file(const std::string& path);
  void after_step(std::size_t actor);
  void set_up();
  void stop();
  void storm();
  void trouble();
  void heal();
  [[nodiscard]] std::size_t unneeded_segments();
  void look_at_pointers();
  void led_to(const Node& current);
  [[nodiscard]] ManifestVersion boundary() const;
  [[nodiscard]] std::string story() const;
  [[nodiscard]] bool wait_until(Time at_most, const std::function<bool()>& condition);

  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<std::unique_ptr<WriterProcess>> writers_;
  std::vector<std::unique_ptr<ReaderProcess>> readers_;
  std::set<std::string> names_;  // ever used
  std::set<ManifestVersion> made_again_;  // after they were collected
  Time boundary_moved_{0};
  ManifestVersion newest_{};
  Epoch newest_epoch_{};
};

[[nodiscard]] inline Report run(std::uint64_t seed, Bug bug = Bug::none) { return World(seed, bug).run(); }

}  // namespace ndb::sim
