// The enumeration of crash states finds bugs: each of them is planted here, by a disk that lies about one kind of sync or shows a
// stale EPOCH, and must be found. A disk that lies is as good as code that forgets to ask.
#include "shared/base/log.hpp"
#include "tests/crash/state_check.hpp"
#include "tests/support/seeds.hpp"

using namespace ndb;
using namespace ndb::test;

namespace {

constexpr std::uint64_t kLives = 8;  // tried until one finds the bug
constexpr int kSteps = 30;

struct PlantedBug {
  const char* name;
  Durability durability;
  std::function<bool(Call call, const fs::Path& path)> forgotten;
};

bool sync_of(Call call, const fs::Path& path, std::string_view part) {
  return call == Call::sync && path.string().find(part) != std::string::npos;
}

bool folder_sync(Call call, const fs::Path& path, std::string_view name) {
  return call == Call::sync_directory && path.filename() == name;
}

std::vector<PlantedBug> planted_bugs() {
  const auto file = [](std::string part) {
    return [part](Call call, const fs::Path& path) { return sync_of(call, path, part); };
  };
  const auto folder = [](std::string name) {
    return [name](Call call, const fs::Path& path) { return folder_sync(call, path, name); };
  };
  return {
      {"does not sync WAL files", Durability::sync, file(".wal")},
      {"does not sync WAL files, buffered", Durability::buffered, file(".wal")},
      {"does not sync the folder of a new WAL file", Durability::sync, folder("wal")},
      {"does not sync a manifest", Durability::buffered, file(".manifest.tmp")},
      {"does not sync the manifests' folder", Durability::sync, folder("manifest")},
      {"does not sync vectors", Durability::buffered, file("/vectors")},
      {"does not sync ids", Durability::buffered, file("/ids")},
      {"does not sync payloads", Durability::buffered, file("/payloads")},
      {"does not sync graphs", Durability::buffered, file("/hnsw-")},
      {"does not sync delete sets", Durability::buffered, file("/deleted-")},
      {"does not sync a segment's folder", Durability::buffered,
       [](Call call, const fs::Path& path) { return call == Call::sync_directory && in_folder(path, "segments"); }},
      {"does not sync the folder of segments", Durability::buffered, folder("segments")},
      {"does not sync CURRENT", Durability::buffered, file("/CURRENT.tmp")},
      {"does not sync EPOCH", Durability::buffered, file("/EPOCH.tmp")},
      {"does not sync BOUNDARY", Durability::buffered, file("/BOUNDARY.tmp")},
      // Not the collection's own folder: CURRENT and EPOCH set back are told by the folders of manifests and claims.
      {"does not sync the folder of a new collection", Durability::buffered, folder("data")},
  };
}

std::string live_through(const PlantedBug& bug, std::uint64_t seed) {
  const auto start = sim::Image::with_folder(kSimFolder);
  StateCheck check{.durability = bug.durability, .history = {}, .created = 0};
  sim::SimDisk disk(start);
  disk.set_rule([&](Call call, const fs::Path& path) -> std::optional<sim::Verdict> {
    if (bug.forgotten(call, path)) return sim::Verdict{sim::Verdict::Kind::lie, {}};
    return {};
  });
  Life life(disk, check.history, bug.durability, seed);
  if (const auto status = life.create(); !status) return status.error().message;
  check.created = disk.journal_size();
  for (int i = 0; i < kSteps; ++i)
    if (const auto status = life.step(); !status) return status.error().message;
  std::set<std::uint64_t> seen;
  return check_states(check, start, disk.journal(), seed, 2, seen).problem;
}

}  // namespace

TEST_CASE("a sync that is forgotten anywhere shows as a broken promise") {
  base::configure_log(base::LogLevel::off, base::LogFormat::text);
  for (const auto& bug : planted_bugs()) {
    std::string problem;
    std::uint64_t seed = 0;
    while (problem.empty() && seed < kLives) problem = live_through(bug, ++seed);
    fmt::print("{}: {}\n", bug.name, problem.empty() ? "NOT FOUND" : fmt::format("found in life {}: {}", seed, problem));
    CHECK_FALSE(problem.empty());
  }
}

TEST_CASE("a writer that does not read EPOCH again is caught acknowledging what is lost") {
  base::configure_log(base::LogLevel::off, base::LogFormat::text);
  sim::SimDisk disk(sim::Image::with_folder(kSimFolder));
  History history;
  Life life(disk, history, Durability::sync, 1);
  disk.set_rule([&](Call call, const fs::Path& path) -> std::optional<sim::Verdict> {
    if (life.replaced_one_calls() && call == Call::open_read && path.filename() == "EPOCH")
      return sim::Verdict{sim::Verdict::Kind::stale, {}};
    return {};
  });
  REQUIRE(life.create());
  REQUIRE(life.open());
  REQUIRE(life.put());
  REQUIRE(life.be_replaced());
  CHECK(life.problem() == "a replaced writer acknowledged a batch");
}
