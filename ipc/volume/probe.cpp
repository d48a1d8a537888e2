#include "ipc/volume/probe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <random>
#include <system_error>

#include "ipc/volume/probe_peer.hpp"
#include "shared/base/result.hpp"

namespace ndb::ipc {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kRounds = 16;          // races for a name; a file system without exclusion loses one of the first
constexpr std::uint32_t kVersions = 32;        // renames over one name while the other process reads it
constexpr std::size_t kPointerBytes = 4096;
constexpr std::uint8_t kWon = 1, kLost = 0, kFailed = 2;
constexpr std::uint8_t kSeen = 0, kMissing = 1, kTorn = 2, kTooLate = 3;
constexpr std::chrono::seconds kLongestDelay{20};
constexpr std::chrono::milliseconds kSlowSync{50};
constexpr std::string_view kFolderPrefix = ".ndb-probe-";
constexpr std::chrono::hours kLeftoverAge{1};

std::vector<std::byte> filled(std::size_t bytes, std::uint32_t value) { return std::vector<std::byte>(bytes, static_cast<std::byte>(value)); }

/// How a step ended: nothing to say, or why not.
struct Trial {
  Verdict verdict = Verdict::ok;
  std::string detail;
};

Trial refused(std::string why) { return {Verdict::refused, std::move(why)}; }

// A machine that stands still says nothing about the volume, and would be refused for its load otherwise.
Trial no_answer() { return {Verdict::unchecked, "the second process did not answer in time"}; }

// A full volume says nothing about its kind, nor does one that was not to be written to.
Trial failed(const Error& error) {
  return {error.code == ErrorCode::no_space ? Verdict::unchecked : Verdict::refused, error.message};
}

class Probe {
 public:
  Probe(fs::FileSystem& fs, fs::Path folder, const LockCall& lock) : fs_(fs), folder_(std::move(folder)), lock_(lock) {}

  void run(ProbeReport& report) {
    const Status made = fs_.make_directory(folder_);
    if (!made) return report.findings.push_back({"write access", Verdict::unchecked, made.error().message});
    try_all(report);
    static_cast<void>(fs::remove_tree(fs_, folder_));
  }

 private:
  using Step = Trial (Probe::*)();

  void try_all(ProbeReport& report) {
    auto peer = ProbePeer::start([this](char command, std::uint32_t number, const auto& wait) { return serve(command, number, wait); });
    if (!peer) return report.findings.push_back({"second process", Verdict::unchecked, peer.error().message});
    peer_.emplace(std::move(*peer));
    const std::array<std::pair<const char*, Step>, 10> steps{{
        {"write access", &Probe::write_access}, {"sync", &Probe::sync}, {"exclusive creation", &Probe::exclusive_creation},
        {"second names", &Probe::second_names}, {"rename", &Probe::rename}, {"append", &Probe::append}, {"mapping", &Probe::mapping},
        {"removed while open", &Probe::removed_while_open}, {"names", &Probe::names}, {"lock", &Probe::lock},
    }};
    for (const auto& [check, step] : steps) {
      Trial trial = (this->*step)();
      report.findings.push_back({check, trial.verdict, std::move(trial.detail)});
      if (trial.verdict == Verdict::refused || trial.verdict == Verdict::unchecked) return;
    }
  }

  Status write(const char* name, base::ByteSpan bytes) {
    NDB_TRY_ASSIGN(const auto file, fs_.create_exclusive(folder_ / name));
    return file->append(bytes);
  }

  // What fails here says nothing of the kind of volume: it is full, read-only, or somebody else's.
  Trial write_access() {
    const auto bytes = filled(8192, 7);
    const Status written = write("plain", bytes);
    if (!written) return {Verdict::unchecked, written.error().message};
    const auto read = fs::read_file(fs_, folder_ / "plain", bytes.size());
    if (!read) return refused(read.error().message);
    return *read == bytes ? Trial{} : refused("a file does not hold what was written to it");
  }

  Trial sync() {
    std::array<Clock::duration, 3> times{};
    for (std::size_t i = 0; i < times.size(); ++i) {
      const auto file = fs_.create_exclusive(folder_ / fmt::format("sync-{}", i));
      if (!file) return failed(file.error());
      const auto begin = Clock::now();
      Status done = (*file)->append(filled(4096, 1));
      if (done) done = (*file)->sync();
      if (!done) return failed(done.error());
      times[i] = Clock::now() - begin;
    }
    if (const Status done = fs_.sync_directory(folder_); !done) return failed(done.error());
    std::ranges::sort(times);
    const auto median = std::chrono::duration<double, std::milli>(times[1]).count();
    const std::string detail = fmt::format("{:.2f} ms", median);
    if (times[1] <= kSlowSync) return {Verdict::ok, detail};
    return {Verdict::warning, detail + ": each write with durability sync waits for that"};
  }

  // create or link `number`, as the process called `who`.
  std::uint8_t claim(char how, std::uint32_t number, const char* who) {
    const fs::Path name = folder_ / fmt::format("claim-{}-{}", how, number);
    const Status done = how == 'x' ? create(name) : fs_.link(folder_ / fmt::format("own-{}", who), name);
    return done ? kWon : done.error().code == ErrorCode::already_exists ? kLost : kFailed;
  }
  Status create(const fs::Path& name) {
    NDB_TRY(fs_.create_exclusive(name));
    return {};
  }

  Trial race(char how, const char* what) {
    std::uint32_t own = 0;
    for (std::uint32_t round = 0; round < kRounds; ++round) {
      peer_->tell(how, round);
      peer_->let_go();
      const std::uint8_t here = claim(how, round, "parent");
      const std::uint8_t there = peer_->answer();
      if (there == ProbePeer::kNoAnswer) return no_answer();
      if (here == kWon && there == kWon) return refused(fmt::format("two processes {} the same name, and both were told that they did", what));
      if (here == kFailed || there == kFailed || here == there) return refused(fmt::format("two processes {} the same name, and neither could", what));
      own += here == kWon ? 1 : 0;
    }
    return {Verdict::ok, fmt::format("{} races of two processes, {} to {}", kRounds, own, kRounds - own)};
  }

  Trial exclusive_creation() { return race('x', "created"); }

  Trial second_names() {
    for (const char* name : {"own-parent", "own-child"})
      if (const Status written = write(name, filled(64, 1)); !written) return failed(written.error());
    const Status linked = fs_.link(folder_ / "own-parent", folder_ / "linked");
    if (!linked && linked.error().code == ErrorCode::no_space) return failed(linked.error());
    if (!linked) return refused("a file cannot get a second name, by which manifests are published: " + linked.error().message);
    return race('l', "gave");
  }

  // Replaces one name again and again while the other process reads it.
  Trial rename() {
    if (const Status first = replace(0); !first) return failed(first.error());
    peer_->tell('r', kVersions);
    peer_->let_go();
    Status done;
    for (std::uint32_t version = 1; version <= kVersions && done; ++version) done = replace(version);
    if (!done) return failed(done.error());  // the other process waits for the last one in vain
    const auto begin = Clock::now();
    const std::uint8_t seen = peer_->answer();
    const auto waited = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    switch (seen) {
      case kSeen: return {Verdict::ok, fmt::format("{} times while another process read, seen by it within {:.1f} ms", kVersions, waited)};
      case kMissing: return refused("while a file was replaced by rename, its name led nowhere for another process");
      case kTorn: return refused("while a file was replaced by rename, another process read neither the old nor the new one");
      case kTooLate: return {Verdict::warning, fmt::format("another process did not see a renamed file within {} s", kLongestDelay.count())};
      default: return no_answer();
    }
  }
  Status replace(std::uint32_t version) {
    const std::string name = fmt::format("next-{}", version);
    NDB_TRY(write(name.c_str(), filled(kPointerBytes, version)));
    return fs_.rename(folder_ / name, folder_ / "pointer");
  }
  std::uint8_t watch_pointer(std::uint32_t last) {
    const auto end = Clock::now() + kLongestDelay;
    while (Clock::now() < end) {
      const auto bytes = fs::read_file(fs_, folder_ / "pointer", kPointerBytes);
      if (!bytes) return bytes.error().code == ErrorCode::not_found ? kMissing : kTorn;
      if (bytes->size() != kPointerBytes || std::ranges::any_of(*bytes, [&](std::byte b) { return b != bytes->front(); })) return kTorn;
      if (static_cast<std::uint32_t>(bytes->front()) == last) return kSeen;
    }
    return kTooLate;
  }

  // A log that grows must be seen by whoever opens it anew.
  Trial append() {
    const auto file = fs_.create_exclusive(folder_ / "log");
    if (!file) return failed(file.error());
    for (std::uint32_t kib = 1; kib <= 8; ++kib) {
      if (const Status done = (*file)->append(filled(1024, kib)); !done) return failed(done.error());
      const std::uint8_t seen = peer_->ask('a', kib);
      if (seen == ProbePeer::kNoAnswer) return no_answer();
      if (seen != kSeen) return refused("what was appended to a file was not there for another process that opened it");
    }
    return {};
  }
  std::uint8_t check_log(std::uint32_t kib) {
    const auto bytes = fs::read_file(fs_, folder_ / "log", 1U << 20);
    return bytes && bytes->size() == kib * 1024 && static_cast<std::uint32_t>(bytes->back()) == kib ? kSeen : kTooLate;
  }

  Trial mapping() {
    const auto mapped = fs_.map(folder_ / "plain");
    if (!mapped) return refused("files cannot be mapped: " + mapped.error().message);
    const auto bytes = (*mapped)->bytes();
    return std::ranges::equal(bytes, filled(8192, 7)) ? Trial{} : refused("a mapped file does not hold what was written to it");
  }

  Trial removed_while_open() {
    const auto file = fs_.open_read(folder_ / "log");
    if (!file) return failed(file.error());
    if (const Status removed = fs_.remove(folder_ / "log"); !removed) return failed(removed.error());
    std::array<std::byte, 16> bytes{};
    const auto read = (*file)->read_at(0, bytes);
    if (read && *read == bytes.size()) return {};
    return {Verdict::warning, "a removed file cannot be read any more by who has it open: give readers a long gc_grace_s"};
  }

  Trial names() {
    if (const Status written = create(folder_ / "Case"); !written) return failed(written.error());
    const auto other = fs_.exists(folder_ / "cASE");
    if (other && !*other) return {};
    return {Verdict::warning, "names that differ in case only are the same: so are such collections"};
  }

  Trial lock() {
    const fs::Path path = folder_ / "plain";
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) return failed(base::errno_error(errno, "open " + path.string()));
    const Trial trial = lock_with(file);
    ::close(file);
    return trial;
  }
  Trial lock_with(int file) {
    if (const int error = lock_(file, true); error != 0)
      return refused(fmt::format("files cannot be locked (F_OFD_SETLK): {}", std::generic_category().message(error)));
    const std::uint8_t while_held = peer_->ask('k');
    static_cast<void>(lock_(file, false));
    const std::uint8_t once_free = peer_->ask('k');
    if (while_held == ProbePeer::kNoAnswer || once_free == ProbePeer::kNoAnswer) return no_answer();
    if (while_held == kWon)
      return {Verdict::warning, "a lock does not keep another process out: two writers are kept apart by epochs only, and stop each other"};
    if (while_held != kLost || once_free != kWon) return refused("a lock could not be taken by another process once it was free");
    peer_->kill();  // the child holds it now
    const auto end = Clock::now() + kLongestDelay;
    while (lock_(file, true) != 0)
      if (Clock::now() > end) return refused(fmt::format("the lock of a killed process was not free {} s later", kLongestDelay.count()));
    return {Verdict::ok, "excludes another process, and is free when that is killed"};
  }
  // Keeps it if it gets it, until it dies.
  std::uint8_t try_lock() {
    const int file = ::open((folder_ / "plain").c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) return kFailed;
    const int error = lock_(file, true);
    return error == 0 ? kWon : error == EAGAIN || error == EACCES ? kLost : kFailed;
  }

  std::uint8_t serve(char command, std::uint32_t number, const std::function<void()>& wait_for_start) {
    if (command == 'x' || command == 'l' || command == 'r') wait_for_start();
    switch (command) {
      case 'x':
      case 'l': return claim(command, number, "child");
      case 'r': return watch_pointer(number);
      case 'a': return check_log(number);
      case 'k': return try_lock();
      default: return ProbePeer::kNoAnswer;
    }
  }

  fs::FileSystem& fs_;
  const fs::Path folder_;
  const LockCall& lock_;
  std::optional<ProbePeer> peer_;
};

// Of probes that were killed. Only old ones: another process may be trying the same volume right now.
void sweep(fs::FileSystem& fs, const fs::Path& folder) {
  const auto names = fs.list(folder);
  if (!names) return;
  for (const std::string& name : *names) {
    std::error_code error;
    if (!name.starts_with(kFolderPrefix)) continue;
    const auto changed = std::filesystem::last_write_time(folder / name, error);
    if (!error && changed < std::filesystem::file_time_type::clock::now() - kLeftoverAge) static_cast<void>(fs::remove_tree(fs, folder / name));
  }
}

fs::Path fresh_folder(const fs::Path& folder) {
  std::random_device random;
  return folder / fmt::format("{}{:08x}{:08x}", kFolderPrefix, random(), random());
}

}  // namespace

Verdict ProbeReport::verdict() const noexcept {
  Verdict worst = Verdict::ok;
  for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
  return worst;
}

std::string ProbeReport::volume() const {
  std::string text = mount.type;
  if (!mount.point.empty()) text += " on " + mount.point;
  if (!mount.source.empty()) text += " (" + mount.source + ")";
  return text;
}

std::string ProbeReport::refusal() const {
  for (const Finding& finding : findings)
    if (finding.verdict == Verdict::refused)
      return fmt::format("nDB cannot keep data in {}, which is {}: {}: {}", folder.string(), volume(), finding.check, finding.detail);
  return {};
}

int ofd_lock(int descriptor, bool take) {
  struct flock range{};
  range.l_type = static_cast<short>(take ? F_WRLCK : F_UNLCK);
  range.l_whence = SEEK_SET;
  while (::fcntl(descriptor, F_OFD_SETLK, &range) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

ProbeReport probe_volume(fs::FileSystem& fs, const fs::Path& folder, const LockCall& lock) {
  ProbeReport report{.folder = folder, .mount = {}, .findings = {}};
  auto type = volume_type_of(folder);
  if (!type) {
    report.findings.push_back({"kind of volume", Verdict::unchecked, type.error().message});
    return report;
  }
  report.mount = type->mount;
  if (type->refusal) {
    report.findings.push_back({"kind of volume", Verdict::refused, *type->refusal});
    return report;
  }
  for (auto& warning : type->warnings) report.findings.push_back({"kind of volume", Verdict::warning, std::move(warning)});
  sweep(fs, folder);
  Probe(fs, fresh_folder(folder), lock).run(report);
  return report;
}

}  // namespace ndb::ipc
