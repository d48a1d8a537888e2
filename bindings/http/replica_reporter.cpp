#include "bindings/http/replica_reporter.hpp"

#include <unistd.h>

#include <array>

#include "ipc/http/codec/request_codec.hpp"
#include "ipc/http/error_map.hpp"
#include "ipc/http/target.hpp"
#include "shared/base/log.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {
namespace {

std::string own_host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "unknown";
}

}  // namespace

ReplicaReporter::ReplicaReporter(Backend& backend, std::string writer_url, ClientOptions client,
                                 std::function<Keys()> keys)
    : backend_(backend), writer_(std::move(writer_url), std::move(client)), keys_(std::move(keys)), host_(own_host()) {
  thread_ = std::thread([this] { run(); });
}

ReplicaReporter::~ReplicaReporter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void ReplicaReporter::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    report_all();
    lock.lock();
    wake_.wait_for(lock, kInterval, [this] { return stopping_; });
  }
}

void ReplicaReporter::report_all() {
  const auto names = backend_.names();
  if (!names) return;  // no folder yet; /readyz says so
  for (const std::string& name : *names) note(name, report(name));
}

Status ReplicaReporter::report(const std::string& name) {
  NDB_TRY_ASSIGN(const Collection collection, backend_.collection(name));
  NDB_TRY_ASSIGN(const CollectionStats stats, collection.stats());
  NDB_TRY_ASSIGN(const ManifestVersion pinned, backend_.pinned_version(name));
  const ReplicaReport report{host_, static_cast<std::uint64_t>(::getpid()), pinned, stats.seq};
  const Keys keys = keys_();
  const std::string& key = keys.full.empty() ? keys.read : keys.full;
  Headers headers{{"Content-Type", "application/json"}};
  if (!key.empty()) headers.push_back({"Authorization", "Bearer " + key});
  NDB_TRY_ASSIGN(const ClientResponse answer,
                 writer_.request("POST", "/v1/collections/" + percent_encode(name) + "/replicas", headers,
                                 encode_replica_report(report)));
  if (!answer.ok()) return std::unexpected(error_of(answer.status, answer.body));
  return {};
}

// A reason is said when it comes up, not every second.
void ReplicaReporter::note(const std::string& name, const Status& status) {
  std::string& said = problems_[name];
  const std::string reason = status ? std::string() : status.error().message;
  if (reason != said && !reason.empty()) base::log_warn("the writer does not hear of " + name + " here: " + reason);
  said = reason;
}

}  // namespace ndb::http
