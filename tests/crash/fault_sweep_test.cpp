// Every call of a collection's life fails in turn, in every way a disk can fail it. After each: a clear error, searches in the process
// go on, nothing acknowledged is lost, no batch is half there, and once the fault is gone everything opens and works without help,
// even if the power went in between.
#include "shared/base/log.hpp"
#include "reader/follower.hpp"
#include "tests/crash/state_check.hpp"
#include "tests/support/seeds.hpp"

using namespace ndb;
using namespace ndb::test;

namespace {

using sim::Verdict;

struct FaultKind {
  const char* name;
  Verdict verdict;
  bool for_good;
  bool writes_only;  // a full volume can still be read
};

Error disk_error() { return {ErrorCode::io_error, "an I/O error of the test", {}}; }
Error full() { return {ErrorCode::no_space, "a full volume of the test", {}}; }

std::vector<FaultKind> fault_kinds() {
  return {
      {"I/O error, once", {Verdict::Kind::refuse, disk_error()}, false, false},
      {"I/O error, for good", {Verdict::Kind::refuse, disk_error()}, true, false},
      {"full, once", {Verdict::Kind::refuse, full()}, false, true},
      {"full, for good", {Verdict::Kind::refuse, full()}, true, true},
      {"full in the middle of a write, for good", {Verdict::Kind::half, full()}, true, true},
      {"done, but answered with an error", {Verdict::Kind::lost, disk_error()}, false, false},
  };
}

bool takes_space(Call call) {
  switch (call) {
    case Call::create_exclusive: case Call::append: case Call::write_at: case Call::make_directory: case Call::link:
    case Call::rename: case Call::sync: case Call::sync_directory: return true;
    default: return false;
  }
}

class Sweep {
 public:
  Sweep(Durability durability, const FaultKind& kind, std::uint64_t seed) : durability_(durability), kind_(kind), seed_(seed) {}

  /// Fails call after call until a life is over before its turn comes; the number of calls failed. Empty problem if all is well.
  std::uint64_t run(std::string& problem) {
    std::uint64_t failed = 0;
    for (std::uint64_t n = 1;; n += kStep) {
      bool reached = false;
      problem = fail_call(n, reached);
      if (!problem.empty()) problem = fmt::format("{}, call {} ({}): {}", kind_.name, n, failed_call_, problem);
      if (!problem.empty() || !reached) return failed;
      ++failed;
    }
  }

 private:
  static constexpr std::uint64_t kStep = kSanitized ? 7 : 1;

  std::string fail_call(std::uint64_t n, bool& reached) {
    sim::SimDisk disk(sim::Image::with_folder(kSimFolder));
    History history;
    Life life(disk, history, durability_, seed_);
    std::uint64_t calls = 0;
    disk.set_rule([&](Call call, const fs::Path& path) -> std::optional<Verdict> {
      if (kind_.writes_only && !takes_space(call)) return {};
      ++calls;
      if (calls < n || (calls > n && !kind_.for_good)) return {};
      if (calls == n) failed_call_ = fmt::format("{} {}", static_cast<int>(call), path.string());
      const bool writes = call == Call::append || call == Call::write_at;
      if (kind_.verdict.kind == Verdict::Kind::half && !writes) return Verdict{Verdict::Kind::refuse, kind_.verdict.error};
      return kind_.verdict;
    });
    const auto lived = life.all_once();
    reached = calls >= n;
    if (!reached) return lived ? life.problem() : lived.error().message;
    if (!lived && !clear(lived.error())) return "an error that says something else: " + lived.error().message;
    if (auto why = problem_meanwhile(disk, life, history); !why.empty()) return why;
    disk.clear_rule();
    // What else this process tries must fail or be kept, too.
    if (life.opened()) {
      static_cast<void>(life.put());
      static_cast<void>(life.flush());
      static_cast<void>(life.put());
    }
    if (!life.problem().empty()) return life.problem();
    if (auto why = problem_after_power_loss(disk, history, n); !why.empty()) return why;
    if (auto why = problem_after_kill(disk, life); !why.empty()) return why;
    // What a failed sync left only in the page cache, the next writer has built upon: it must have made it durable itself.
    const auto why = problem_after_power_loss(disk, history, n + 1);
    return why.empty() ? why : "restarted, and then " + why;
  }

  [[nodiscard]] static bool clear(const Error& error) {
    const bool code = error.code == ErrorCode::io_error || error.code == ErrorCode::no_space || error.code == ErrorCode::read_only;
    return code && error.message.find("of the test") != std::string::npos;
  }

  std::string problem_meanwhile(sim::SimDisk& disk, Life& life, const History& history) const {
    if (auto why = life.problem_in_memory(); !why.empty()) return "searches in the process: " + why;
    if (!kind_.writes_only || disk.image().find(kSimCollection) == sim::kNoNode) return {};
    const auto follower = reader::Follower::open(disk, kSimCollection, {.poll_interval = std::chrono::hours(1), .shared_memory = false});
    if (!follower) return "a reader on a full volume: " + follower.error().message;
    const auto view = (*follower)->state()->view();
    std::string why;
    const auto found = walk(*view.snapshot, view.seq, why);
    if (found) why = history.problem(view.seq, *found, history.acknowledged(), disk.journal_size());
    return why.empty() ? why : "a reader on a full volume: " + why;
  }

  [[nodiscard]] std::string problem_after_power_loss(const sim::SimDisk& disk, const History& history, std::uint64_t n) const {
    std::mt19937_64 random(seed_ + n);
    sim::PowerLoss loss(sim::Image::with_folder(kSimFolder));
    const auto journal = disk.journal();
    for (const auto& op : journal) loss.apply(op);
    for (int i = 0; i < 2; ++i) {
      std::vector<sim::Fate> fates(loss.units(), sim::Fate::lost);
      for (auto& fate : fates)
        if (i > 0) fate = static_cast<sim::Fate>(random() % 3);
      // Whether creating was acknowledged does not matter here: what was promised later needs it.
      const bool created = history.durable_at(journal.size()) > Seq{};
      const StateCheck check{durability_, history, created ? 0 : journal.size() + 1, false};
      if (auto why = check.problem(loss.left(fates, random), journal.size(), random()); !why.empty())
        return "after a power loss: " + why;
    }
    return {};
  }

  std::string problem_after_kill(sim::SimDisk& disk, Life& life) const {
    const auto lived = [&]() -> Status {
      if (disk.image().find(kSimCollection) == sim::kNoNode) NDB_TRY(life.create());
      NDB_TRY(life.open());
      NDB_TRY(life.put());
      NDB_TRY(life.flush());
      NDB_TRY(life.merge());
      NDB_TRY(life.collect());
      NDB_TRY(life.put());
      return life.open();
    }();
    if (!lived) return "after the fault: " + lived.error().message;
    return life.problem().empty() ? "" : "after the fault: " + life.problem();
  }

  const Durability durability_;
  const FaultKind kind_;
  const std::uint64_t seed_;
  std::string failed_call_;
};

}  // namespace

TEST_CASE("whichever call fails, and however: what was acknowledged is kept, searches go on, and all is well afterwards") {
  base::configure_log(base::LogLevel::off, base::LogFormat::text);
  std::uint64_t failed = 0;
  for (const auto seed : seeds(1))
    for (const auto durability : {Durability::buffered, Durability::sync})
      for (const auto& kind : fault_kinds()) {
        INFO("replay with NDB_TEST_SEED=" << seed << " ctest -R fault_sweep");
        std::string problem;
        failed += Sweep(durability, kind, seed).run(problem);
        CHECK(problem == "");
      }
  fmt::print("{} calls failed, one at a time\n", failed);
}
