#include "bindings/http/push/log_subscriber.hpp"

#include <algorithm>

#include "bindings/cpp/core_access.hpp"
#include "shared/base/log.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {

using reader::Follower;

LogSubscriber::LogSubscriber(Backend& backend, PushedFileSystem& files, std::shared_ptr<RemoteLog> remote)
    : backend_(backend), files_(files), remote_(std::move(remote)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

LogSubscriber::~LogSubscriber() {
  thread_.request_stop();
  thread_.join();
  for (auto& [name, thread] : followed_) thread.request_stop();
}

bool LogSubscriber::pause(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, stop, kInterval, [&] { return stop.stop_requested(); });
}

void LogSubscriber::run(const std::stop_token& stop) {
  do look_for_collections();
  while (pause(stop));
}

void LogSubscriber::look_for_collections() {
  const auto names = backend_.names();
  if (!names) return;  // no folder yet; /readyz says so
  for (auto& [name, thread] : followed_)
    if (std::ranges::find(*names, name) == names->end()) thread.request_stop();
  std::erase_if(followed_, [&](const auto& one) { return std::ranges::find(*names, one.first) == names->end(); });
  files_.keep_only(*names);
  for (const std::string& name : *names) {
    if (followed_.contains(name)) continue;
    if (followed_.size() < kMostFollowed) {
      followed_.emplace(name, [this, name](const std::stop_token& stop) { follow(stop, name); });
    } else if (!said_too_many_) {
      said_too_many_ = true;
      base::log_warn("more than " + std::to_string(kMostFollowed) + " collections: " + name + " and others are polled, the writer does not push to them");
    }
  }
}

// A reason is said when it comes up, not at every attempt.
void LogSubscriber::follow(const std::stop_token& stop, const std::string& name) {
  std::string said;
  do {
    const Status status = follow_from_here(stop, name);
    files_.log_of(name)->set_current(std::nullopt);
    const std::string reason = status || stop.stop_requested() ? std::string() : status.error().message;
    if (reason != said && !reason.empty()) base::log_warn("the writer does not push " + name + " here: " + reason);
    said = reason;
  } while (pause(stop));
}

Status LogSubscriber::follow_from_here(const std::stop_token& stop, const std::string& name) {
  NDB_TRY(backend_.collection(name));  // opens it
  NDB_TRY_ASSIGN(const auto core, embedded::core_of(backend_.folder(), true, name));
  const auto follower = core->current_follower();
  if (follower == nullptr) return fail(ErrorCode::unavailable, "the collection is not open");
  const auto log = files_.log_of(name);
  const auto from = follower->position();
  writer::WalPlace place{.file = from.file, .offset = from.offset, .manifest = from.manifest};
  while (!stop.stop_requested() && !follower->is_woken()) {  // on the writer's own host shared memory is quicker
    NDB_TRY_ASSIGN(const auto chunk, remote_->read(name, place, kWait));
    const bool goes_on = chunk.next || chunk.manifest > place.manifest;  // to what only the volume tells of
    log->add(place.file, place.offset, chunk.bytes);
    place.offset += chunk.bytes.size();
    place.manifest = std::max(place.manifest, chunk.manifest);
    if (chunk.next) {
      place.file = *chunk.next;
      place.offset = 0;
    }
    const bool is_all = chunk.bytes.size() < writer::WalFeed::kMostBytes && !chunk.next;
    log->set_current(is_all ? std::optional(place.file) : std::nullopt);
    if (goes_on || !chunk.bytes.empty()) follower->poke(goes_on ? Follower::News::everything : Follower::News::log);
    if (core->gone()) return fail(ErrorCode::not_found, "the collection was dropped");
  }
  return {};
}

}  // namespace ndb::http
