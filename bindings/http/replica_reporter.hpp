// A reader's reports to the writer: once a second, for each collection, which version it has pinned and how far it is.
// The writer shows them, and keeps the files that they pin.
//
// Threads: one of its own, from construction to destruction.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "bindings/http/access.hpp"
#include "bindings/http/backend.hpp"
#include "ipc/http/client.hpp"

namespace ndb::http {

class ReplicaReporter {
 public:
  static constexpr std::chrono::milliseconds kInterval{1'000};

  /// client: how to reach the writer, without waiting for long. keys: those of now; the first that is set is shown.
  ReplicaReporter(Backend& backend, std::string writer_url, ClientOptions client, std::function<Keys()> keys);
  ReplicaReporter(const ReplicaReporter&) = delete;
  ReplicaReporter& operator=(const ReplicaReporter&) = delete;
  ~ReplicaReporter();

 private:
  void run();
  void report_all();
  [[nodiscard]] Status report(const std::string& name);
  void note(const std::string& name, const Status& status);

  Backend& backend_;
  ClientPool writer_;
  const std::function<Keys()> keys_;
  const std::string host_;
  std::map<std::string, std::string> problems_;  // by collection, said once each; the thread's own

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace ndb::http
