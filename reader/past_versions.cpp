#include "reader/past_versions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "shared/base/time_text.hpp"
#include "shared/format/pointer_files.hpp"

namespace ndb::reader {
namespace {

using format::VersionIndex;

VersionInfo info_of(ManifestVersion version, std::uint64_t created_unix_ms, Seq seq) {
  return {.version = version, .seq = seq, .time = base::from_unix_ms(created_unix_ms)};
}

}  // namespace

void VersionPins::add(ManifestVersion version) {
  const std::scoped_lock lock(mutex_);
  const auto before = oldest();
  held_.insert(version);
  tell(before);
}

void VersionPins::remove(ManifestVersion version) {
  const std::scoped_lock lock(mutex_);
  const auto before = oldest();
  if (const auto one = held_.find(version); one != held_.end()) held_.erase(one);
  tell(before);
}

void VersionPins::tell(std::optional<ManifestVersion> before) {
  if (oldest() != before) on_change_(oldest());
}

PastVersions::PastVersions(fs::FileSystem& fs, fs::Path collection, std::uint64_t collection_uid, VersionPins::OnChange on_pin,
                           const PastOptions& options, const base::Clock& clock)
    : fs_(fs), collection_(std::move(collection)), collection_uid_(collection_uid), options_(options), clock_(clock),
      pins_(std::make_shared<VersionPins>(std::move(on_pin))) {}

PastVersions::~PastVersions() {
  closer_.request_stop();
  changed_.notify_all();
  if (closer_.joinable()) closer_.join();
}

Result<std::shared_ptr<PastVersion>> PastVersions::at_version(ManifestVersion version, const live::Snapshot& now) {
  NDB_TRY(check_published(version, now));
  return hold(version, now, "at_version");
}

Result<std::shared_ptr<PastVersion>> PastVersions::at_time(std::chrono::system_clock::time_point time, const live::Snapshot& now) {
  if (time > clock_.wall_now())
    return fail(ErrorCode::invalid_argument, fmt::format("{} is yet to come", base::time_text(time)), "at_time");
  NDB_TRY_ASSIGN(const auto version, version_at(base::to_unix_ms(time), now));
  if (version == ManifestVersion{}) return kept_no_longer("what was there at " + base::time_text(time), "at_time");
  return hold(version, now, "at_time");
}

// A version that is not there yet must not be asked for by name: that would hide it from this host when it comes.
Status PastVersions::check_published(ManifestVersion version, const live::Snapshot& now) const {
  if (version == ManifestVersion{}) return fail(ErrorCode::invalid_argument, "versions are counted from 1", "at_version");
  if (version <= now.manifest->version) return {};
  NDB_TRY_ASSIGN(const auto newest, format::read_newest(fs_, collection_));
  if (version <= newest.version) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("version {} is yet to come: the newest is {}", version.value, newest.version.value), "at_version");
}

Result<std::shared_ptr<PastVersion>> PastVersions::hold(ManifestVersion version, const live::Snapshot& now, const char* field) {
  auto held = std::make_shared<PastVersion>(pins_, version);  // pinned before its files are looked at
  const auto found = opened(version, now);
  if (!found && found.error().code == ErrorCode::not_found) return kept_no_longer(fmt::format("version {}", version.value), field);
  if (!found) return std::unexpected(found.error());
  held->info_ = found->info;
  held->view_ = found->view;
  return held;
}

Result<PastVersions::Opened> PastVersions::opened(ManifestVersion version, const live::Snapshot& now) {
  const std::scoped_lock one_at_a_time(open_mutex_);
  const auto same = [&](const Opened& one) { return one.info.version == version; };
  {
    // Its name never leads to anything else, so looking it up does no harm even if it is gone.
    NDB_TRY_ASSIGN(const bool there, fs_.exists(format::manifest_path(collection_, version)));
    const std::scoped_lock lock(mutex_);
    const auto known = std::ranges::find_if(opened_, same);
    if (known != opened_.end() && there && known->view.snapshot->damage()) {
      known->used = clock_.now();
      opened_.splice(opened_.begin(), opened_, known);
      return opened_.front();
    }
    if (known != opened_.end()) opened_.erase(known);  // collected meanwhile, or lost: what can be read is read again
  }
  NDB_TRY_ASSIGN(auto fresh, open(version, now));
  const std::scoped_lock lock(mutex_);
  opened_.push_front(fresh);
  if (opened_.size() > options_.kept_open) opened_.pop_back();
  if (!closer_.joinable()) closer_ = std::jthread([this](const std::stop_token& stop) { close_unused(stop); });
  changed_.notify_all();
  return fresh;
}

Result<PastVersions::Opened> PastVersions::open(ManifestVersion version, const live::Snapshot& now) const {
  NDB_TRY_ASSIGN(auto manifest, format::read_manifest(fs_, collection_, version));
  if (manifest.collection_uid != collection_uid_)
    return fail(ErrorCode::not_found, "the collection was dropped and created anew");
  const auto info = info_of(version, manifest.created_unix_ms, manifest.flushed_seq);
  NDB_TRY_ASSIGN(const auto state,
                 live::LiveState::open(fs_, collection_, std::make_shared<const format::Manifest>(std::move(manifest)), &now));
  return Opened{.info = info, .view = state->view(), .used = clock_.now()};
}

std::unexpected<Error> PastVersions::kept_no_longer(const std::string& what, const char* field) {
  auto kept = list();
  std::string range = "no version can be read";
  if (kept && !kept->empty())
    range = fmt::format("versions {} to {} are, from {} to {}", kept->front().version.value, kept->back().version.value,
                        base::time_text(kept->front().time), base::time_text(kept->back().time));
  return fail(ErrorCode::not_found, fmt::format("{} is not kept any more; {}", what, range), field);
}

// With index_mutex_ held.
Status PastVersions::look(std::chrono::milliseconds believed) {
  const auto now = clock_.now();
  if (listed_ && now - *listed_ < believed) return {};
  NDB_TRY(index_.refresh(fs_, collection_, VersionIndex::Unreadable::skip));
  listed_ = now;
  return {};
}

// 0: none that is there. Times may go back where the clocks of two hosts differ: then the newest version counts.
Result<ManifestVersion> PastVersions::version_at(std::uint64_t unix_ms, const live::Snapshot& now) {
  const std::scoped_lock lock(index_mutex_);
  const auto& versions = index_.versions();
  const bool may_be_newer = versions.empty() || versions.rbegin()->second.created_unix_ms <= unix_ms;
  NDB_TRY(look(may_be_newer ? std::chrono::milliseconds(0) : options_.list_for));
  for (auto entry = versions.rbegin(); entry != versions.rend(); ++entry) {
    if (entry->second.created_unix_ms > unix_ms) continue;
    // There are no holes but where a manifest is damaged, and that might be the one.
    const auto next = entry->first.next();
    if (next <= now.manifest->version && !versions.contains(next)) NDB_TRY(format::read_manifest(fs_, collection_, next));
    return entry->first;
  }
  return ManifestVersion{};
}

Result<std::vector<VersionInfo>> PastVersions::list() {
  const std::scoped_lock lock(index_mutex_);
  NDB_TRY(look(std::chrono::milliseconds(0)));
  std::vector<VersionInfo> all;
  for (const auto& [version, known] : index_.versions()) all.push_back(info_of(version, known.created_unix_ms, known.flushed_seq));
  return all;
}

Result<HistoryStats> PastVersions::stats(ManifestVersion newest) {
  const std::scoped_lock lock(index_mutex_);
  NDB_TRY(look(options_.list_for));
  HistoryStats stats;
  if (index_.versions().empty()) return stats;
  const auto& [version, oldest] = *index_.versions().begin();
  stats.versions = index_.versions().size();
  stats.oldest = info_of(version, oldest.created_unix_ms, oldest.flushed_seq);
  stats.bytes = index_.bytes_before(newest);
  return stats;
}

void PastVersions::close_unused(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (opened_.empty()) changed_.wait(lock, stop, [&] { return !opened_.empty(); });
    else changed_.wait_for(lock, stop, options_.kept_for / 4, [] { return false; });
    std::list<Opened> unused;
    const auto now = clock_.now();
    while (!opened_.empty() && now - opened_.back().used >= options_.kept_for) unused.splice(unused.begin(), opened_, std::prev(opened_.end()));
    lock.unlock();
    unused.clear();  // unmaps, which can take a moment
    lock.lock();
  }
}

}  // namespace ndb::reader
