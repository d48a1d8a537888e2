// Keeps a reader fresh on a host where nothing wakes it: for each collection asks the writer, again and again, for what follows in the log,
// and has the follower look as soon as something came. Without an answer the reader polls its volume as ever.
//
// Threads: one that looks for collections, and one for each collection that is followed, up to kMostFollowed.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "bindings/http/backend.hpp"
#include "bindings/http/push/pushed_file_system.hpp"

namespace ndb::http {

class LogSubscriber {
 public:
  static constexpr std::chrono::milliseconds kInterval{1'000};  ///< between looks for collections, and between attempts
  static constexpr std::chrono::milliseconds kWait{1'000};      ///< for an answer; so long may it take to end
  static constexpr std::size_t kMostFollowed = 256;

  LogSubscriber(Backend& backend, PushedFileSystem& files, std::shared_ptr<RemoteLog> remote);
  LogSubscriber(const LogSubscriber&) = delete;
  LogSubscriber& operator=(const LogSubscriber&) = delete;
  /// Waits for answers that are under way.
  ~LogSubscriber();

 private:
  void run(const std::stop_token& stop);
  void look_for_collections();
  void follow(const std::stop_token& stop, const std::string& name);
  [[nodiscard]] Status follow_from_here(const std::stop_token& stop, const std::string& name);
  /// False once it should end.
  bool pause(const std::stop_token& stop);

  Backend& backend_;
  PushedFileSystem& files_;
  const std::shared_ptr<RemoteLog> remote_;
  bool said_too_many_ = false;                      // the first thread's own
  std::map<std::string, std::jthread> followed_;    // likewise
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace ndb::http
