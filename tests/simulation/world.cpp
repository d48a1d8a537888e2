#include "tests/simulation/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "shared/format/pointer_files.hpp"
#include "tests/simulation/processes.hpp"
#include "tests/support/temp_folder.hpp"
#include "writer/create_collection.hpp"

namespace ndb::sim {
namespace {

constexpr Time kStorm = 30s;
constexpr Time kHealed = 90s;  // a negative entry and a few stalls later all is well again
constexpr Time kNever = Time::max() / 2;
constexpr std::uint64_t kMostSteps = 150'000;

bool pointer_file(std::string_view path) {
  return path.ends_with("/CURRENT") || path.ends_with("/EPOCH") || path.ends_with("/BOUNDARY");
}

// The number behind a key of a pointer file.
std::uint64_t number_in(const Node& node, std::string_view key) {
  const auto text = base::as_text(base::ByteSpan(node.bytes.data(), node.bytes.size()));
  const auto at = text.find(key);
  const auto digits = at == std::string_view::npos ? std::string_view{} : text.substr(at + key.size());
  return format::parse_number(digits.substr(0, digits.find('\n'))).value_or(0);
}

std::string describe(const format::Manifest& manifest) {
  std::string text = fmt::format("epoch {}, through seq {}; log", manifest.epoch.value, manifest.flushed_seq.value);
  for (const auto& wal : manifest.wals)
    text += fmt::format(" {}-{}{}", wal.name.epoch.value, wal.name.index, wal.seal ? fmt::format("[{}]", wal.seal->bytes) : "");
  text += "; segments";
  for (const auto& segment : manifest.segments)
    text += fmt::format(" {}({}-{})", segment.id.value, segment.rows, segment.deleted);
  return text;
}

using Files = std::vector<std::pair<fs::Path, std::optional<std::vector<std::byte>>>>;  // no bytes: a folder

Files make_collection(const CollectionConfig& config) {
  for (;;) {
    const test::TempFolder folder;
    if (!writer::create_collection(fs::posix_file_system(), folder.path(), "docs", config)) return {};
    const auto top = folder.path() / "docs";
    const auto current = format::read_current(fs::posix_file_system(), top);
    if (!current || current->collection_uid < 10'000'000'000'000'000'000ULL) continue;
    Files files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(top)) {
      files.emplace_back(std::filesystem::relative(entry.path(), top), std::nullopt);
      if (entry.is_regular_file()) files.back().second = *fs::read_file(fs::posix_file_system(), entry.path(), 1U << 20);
    }
    std::ranges::sort(files, {}, &Files::value_type::first);
    return files;
  }
}

const Files& fresh_collection(const CollectionConfig& config) {
  static std::map<Durability, Files> made;
  auto& files = made[config.durability];
  if (files.empty()) files = make_collection(config);
  return files;
}

}  // namespace

World::World(std::uint64_t seed, Bug planted)
    : scheduler([this](std::size_t actor) { after_step(actor); }), random(seed), volume(seed + 1),
      network{.scheduler = scheduler, .volume = volume, .random = random, .weather = {}, .seed = seed}, bug(planted) {
  config = {.dim = kDim, .distance = Distance::euclidean,
            .durability = random.one_in(4) ? Durability::buffered : Durability::sync};
  grace = std::chrono::milliseconds(5'000 + 500 * random.below(12));
  kept_manifests = 1 + static_cast<std::uint32_t>(random.below(4));
  network.weather.stall_one_in = 100 + random.below(600);
  static constexpr std::array kCalls = {"link", "rename", "fsync", "open", "read", "map", "list", "unlink", "append", "answer", "", ""};
  network.weather.stalls_before = kCalls[random.below(kCalls.size())];
  network.weather.longest_stall = random.one_in(3) ? Time(40s) : Time(12s);
  network.weather.ambiguous_one_in = 20 + random.below(200);
  network.weather.failure_one_in = 500 + random.below(4000);
  const HostId second = random.one_in(8) ? 1 : 2;  // a roll-out on one host, or two hosts
  for (HostId id = 1; id <= 4; ++id)
    hosts_.push_back(std::make_unique<Host>(network, id, random.between(-1h, 1h),
                                            1.0 + (static_cast<double>(random.below(2001)) - 1000.0) * 1e-6));
  const auto host = [&](HostId id) -> Host& { return *hosts_[static_cast<std::size_t>(id - 1)]; };
  writers_.push_back(std::make_unique<WriterProcess>(*this, host(1), "writer A"));
  writers_.push_back(std::make_unique<WriterProcess>(*this, host(second), "writer B"));
  readers_.push_back(std::make_unique<ReaderProcess>(*this, host(1), "reader A"));
  readers_.push_back(std::make_unique<ReaderProcess>(*this, host(3), "reader C"));
  readers_.push_back(std::make_unique<ReaderProcess>(*this, host(4), "reader D"));
}

World::~World() = default;

Report World::run() {
  set_up();
  scheduler.run([this] {
    if (scheduler.steps() > kMostSteps) complain("the run", "does not come to an end");
    if (!report.complaint.empty()) stop();
  });
  report.fingerprint = network.fingerprint;
  report.steps = scheduler.steps();
  report.batches = history.batches().size();
  report.acknowledged = history.acknowledged();
  return report;
}

// A fresh collection. Its uid is random, so all runs of a process share one, and it has as many digits in every process.
void World::set_up() {
  const auto put = [&](const fs::Path& path, const std::vector<std::byte>* bytes) {
    auto node = std::make_shared<Node>();
    node->directory = bytes == nullptr;
    if (bytes != nullptr) node->bytes.assign(bytes->begin(), bytes->end());
    node->synced_bytes = node->bytes.size();
    node->visible = {{0ms, node->bytes.size()}};
    volume.create(path.native(), node, 0, 0ms);
    static_cast<void>(volume.sync_directory(path.parent_path() == "/" ? "" : path.parent_path().native()));
    names_.insert(path.native());
  };
  put("/data", nullptr);
  put(collection, nullptr);
  for (const auto& [path, bytes] : fresh_collection(config)) put(collection / path, bytes ? &*bytes : nullptr);
  newest_ = ManifestVersion{1};
  volume.set_observer(this);
  for (auto& writer : writers_) writer->start();
  for (auto& reader : readers_) reader->start();
  scheduler.spawn("weather", [this] { storm(); });
}

// --- weather ---

void World::storm() {
  const bool troubled = !random.one_in(4);
  while (!stopping && scheduler.now() < kStorm) {
    scheduler.sleep(random.between(500ms, 8s));
    if (troubled && !stopping && scheduler.now() < kStorm) trouble();
  }
  if (!stopping) heal();
  stop();
}

void World::stop() {
  if (stopping) return;
  stopping = true;
  for (auto& writer : writers_) writer->kill();
  for (auto& reader : readers_) reader->kill();
}

void World::trouble() {
  ++report.crashes;
  std::vector<Process*> processes;
  for (auto& writer : writers_) processes.push_back(writer.get());
  for (auto& reader : readers_) processes.push_back(reader.get());
  const Time now = scheduler.now();
  const auto choice = random.below(6);
  if (choice < 3) {
    auto& victim = *processes[random.below(processes.size())];
    network.note("kill -9", victim.name(), "");
    return victim.kill();
  }
  if (choice < 5) {
    Host& host = *hosts_[random.below(hosts_.size())];
    network.note("crash of host", std::to_string(host.id()), "");
    for (auto* process : processes)
      if (&process->host() == &host) process->kill();
    volume.crash(host.id(), now);
    host.reboot();
    return history.forgive([&](int id) { return id == host.id(); });
  }
  network.note("power loss", "", "");
  for (auto* process : processes) process->kill();
  volume.power_loss(now);
  for (auto& host : hosts_) host->reboot();
  history.forgive([](int) { return true; });
  look_at_pointers();
}

bool World::wait_until(Time at_most, const std::function<bool()>& condition) {
  const Time deadline = scheduler.now() + at_most;
  while (!stopping && !condition()) {
    if (scheduler.now() >= deadline) return false;
    scheduler.sleep(100ms);
  }
  return true;
}

// Good weather, one writer: soon everybody must see everything, and nothing unneeded may be left.
void World::heal() {
  network.note("good weather", "", "");
  network.weather.calm = true;
  healing = true;
  writers_[1]->enabled = false;
  for (auto& writer : writers_) writer->kill();
  for (auto& reader : readers_) reader->wake();
  const std::size_t before = writers_[0]->acknowledged();
  if (!wait_until(kHealed, [&] { return writers_[0]->acknowledged() > before + 3; }))
    return complain("writer A", "cannot write though the weather is good");
  const auto all_fresh = [&] {
    const Time now = scheduler.now();
    return std::ranges::all_of(readers_, [&](const auto& reader) {
      return reader->healthy() && history.missing(reader->shown(), now - 6s) == nullptr;
    });
  };
  if (!wait_until(kHealed, all_fresh)) return complain("a reader", "does not catch up though the weather is good");
  if (!wait_until(Time(grace) * 2 + kHealed, [&] { return unneeded_segments() <= 2; }))
    return complain("the volume", fmt::format("{} segments that no manifest names are never collected", unneeded_segments()));
  if (!writers_[0]->writing()) complain("writer A", "stopped in good weather");
}

// Segments that no manifest names. One may be under way, another is for the next round.
std::size_t World::unneeded_segments() {
  std::set<std::string> named;
  for (const auto& [name, binding] : volume.directory(format::manifest_folder(collection).native())->entries) {
    if (!format::parse_manifest_name(name)) continue;
    const auto manifest = format::decode_manifest(base::ByteSpan(binding.node->bytes.data(), binding.node->bytes.size()), name);
    if (!manifest) {
      complain("the volume", manifest.error().message);
      return 0;
    }
    for (const auto& segment : manifest->segments) named.insert(format::padded(segment.id.value));
  }
  const auto& there = volume.directory(format::segments_folder(collection).native())->entries;
  return static_cast<std::size_t>(std::ranges::count_if(there, [&](const auto& entry) { return !named.contains(entry.first); }));
}

// --- checks ---

void World::complain(const std::string& who, const std::string& what) {
  if (!report.complaint.empty()) return;
  report.complaint = who + " " + what;
  report.story = story();
}

std::string World::story() const {
  std::string text;
  for (const auto& event : network.story)
    text += fmt::format("{:>9.3f} s  {:<22} {:<14} {} {}\n", static_cast<double>(event.at.count()) / 1e6,
                        scheduler.name(event.actor), event.call, event.path, event.outcome);
  return text + fmt::format("{:>9.3f} s  {}\n", static_cast<double>(scheduler.now().count()) / 1e6, report.complaint);
}

void World::after_step(std::size_t actor) {
  if (!scheduler.exception(actor).empty()) complain(scheduler.name(actor), "threw: " + scheduler.exception(actor));
  for (auto& writer : writers_)
    if (writer->runs(actor)) writer->check();
  for (auto& reader : readers_)
    if (reader->runs(actor)) reader->check();
}

bool World::locked_out(const WriterProcess& writer) {
  for (const auto& other : writers_) {
    if (other.get() == &writer || !other->holds_lock()) continue;
    if (&other->host() == &const_cast<WriterProcess&>(writer).host()) return true;  // one kernel's locks always work
    return !random.one_in(other->silent() ? 2 : 30);
  }
  return false;
}

ManifestVersion World::boundary() const {
  const auto* binding = volume.find(format::boundary_path(collection).native());
  return ManifestVersion{binding == nullptr ? 0 : number_in(*binding->node, "first_kept ")};
}

void World::created(const std::string& path, const Node& node) {
  if (pointer_file(path)) return complain("the volume", "creates " + path + " by something else than rename");
  const auto name = path.substr(path.rfind('/') + 1);
  const auto version = path.find("/manifest/") == std::string::npos ? std::nullopt : format::parse_manifest_name(name);
  if (!names_.insert(path).second && !(version && *version < boundary()))
    complain("the volume", path + " is used a second time");
  if (version) manifest_created(path, node, *version);
}

void World::manifest_created(const std::string& path, const Node& node, ManifestVersion version) {
  if (version < boundary()) {  // a writer that slept for long; it will see BOUNDARY
    if (scheduler.now() > boundary_moved_ + kMaxDelay) made_again_.insert(version);
    return;
  }
  const auto manifest = format::decode_manifest(base::ByteSpan(node.bytes.data(), node.bytes.size()), path);
  if (!manifest) return complain("the volume", manifest.error().message);
  if (version != newest_.next() || manifest->version != version)
    return complain("the volume", fmt::format("manifest {} comes after {}", version.value, newest_.value));
  if (manifest->epoch < newest_epoch_)
    return complain("the volume", fmt::format("manifest {} is of epoch {}, the one before of epoch {}", version.value,
                                              manifest->epoch.value, newest_epoch_.value));
  network.note("publishes", path, describe(*manifest));
  if (manifest->epoch > newest_epoch_) history.replaced(manifest->epoch, node.owner);
  newest_ = version;
  newest_epoch_ = manifest->epoch;
  current_led_to_newest = kNever;
  if (node.synced_bytes != node.bytes.size()) complain("the volume", path + " is published before it is synced");
  for (const auto& wal : manifest->wals)
    if (volume.find(format::wal_path(collection, wal.name).native()) == nullptr)
      complain("the volume", fmt::format("manifest {} names a WAL file that is not there", version.value));
  for (const auto& segment : manifest->segments) {
    const auto folder = format::segment_folder(collection, segment.id);
    for (const auto* file : {&segment.vectors, &segment.ids, &segment.payloads}) check_named_file((folder / file->name).native());
    for (const auto& file : {segment.delete_set, segment.attributes})
      if (file) check_named_file((folder / file->name).native());
  }
}

void World::check_named_file(const std::string& path) {
  const auto* binding = volume.find(path);
  if (binding == nullptr) return complain("the volume", path + " is named by a new manifest and not there");
  if (binding->node->synced_bytes != binding->node->bytes.size())
    complain("the volume", path + " is named by a new manifest and not synced");
  binding->node->frozen = true;
}

void World::replaced(const std::string& path, const Node& node) {
  if (!pointer_file(path)) return complain("the volume", path + " is replaced");
  if (path.ends_with("/BOUNDARY")) boundary_moved_ = scheduler.now();
  if (!path.ends_with("/CURRENT")) return;
  if (made_again_.contains(ManifestVersion{number_in(node, "manifest ")}))
    complain("the volume", "has a CURRENT that names a version which was collected and made again");
  led_to(node);
}

void World::led_to(const Node& current) {
  if (number_in(current, "manifest ") != newest_.value) current_led_to_newest = kNever;
  else if (current_led_to_newest == kNever) current_led_to_newest = scheduler.now();
}

void World::removed(const std::string& path, const Node&) {
  ++report.collected;
  for (const auto& reader : readers_)
    if (reader->needs(path)) complain(reader->name(), "still shows " + path + ", and it is deleted");
}

void World::changed_frozen(const Node&) { complain("the volume", "has a published file that is written to"); }

void World::look_at_pointers() {
  newest_ = {};
  for (const auto& [name, binding] : volume.directory(format::manifest_folder(collection).native())->entries)
    if (const auto version = format::parse_manifest_name(name); version && *version >= boundary())
      newest_ = std::max(newest_, *version);
  const auto* manifest = volume.find(format::manifest_path(collection, newest_).native());
  const auto* current = volume.find(format::current_file_path(collection).native());
  if (manifest == nullptr || current == nullptr) return complain("the volume", "lost CURRENT or every manifest");
  const auto newest = format::decode_manifest(base::ByteSpan(manifest->node->bytes.data(), manifest->node->bytes.size()), "newest");
  if (!newest) return complain("the volume", newest.error().message);
  newest_epoch_ = newest->epoch;
  current_led_to_newest = kNever;
  led_to(*current->node);
}

}  // namespace ndb::sim
