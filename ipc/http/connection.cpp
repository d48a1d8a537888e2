#include "ipc/http/connection.hpp"

#include <array>
#include <ctime>
#include <utility>
#include <vector>

#include "ipc/http/error_map.hpp"

namespace ndb::http {
namespace {

// "Tue, 15 Nov 1994 08:12:31 GMT" (RFC 9110 section 5.6.7), made once a second and thread.
std::string_view http_date() {
  thread_local std::time_t made_at = 0;
  thread_local std::array<char, 40> text{};
  thread_local std::size_t length = 0;
  const std::time_t now = std::time(nullptr);
  if (now != made_at) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made_at = now;
  }
  return {text.data(), length};
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

Response overloaded_response() {
  return error_response({ErrorCode::overloaded, "too many requests are waiting; try again later", {}});
}

std::string serialize_header(const Response& response, bool keep_alive, unsigned http_version) {
  std::string out;
  out.reserve(256);
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out.append(reason_phrase(response.status)).append("\r\n");
  append_header(out, "Date", http_date());
  if (!response.content_type.empty()) append_header(out, "Content-Type", response.content_type);
  append_header(out, "Content-Length", std::to_string(response.body.size()));
  if (!keep_alive) append_header(out, "Connection", "close");
  if (keep_alive && http_version < 11) append_header(out, "Connection", "keep-alive");
  for (const Header& header : response.headers) append_header(out, header.name, header.value);
  out.append("\r\n");
  return out;
}

void ConnectionRegistry::add(Connection* connection, std::weak_ptr<Connection> handle) {
  const std::lock_guard lock(mutex_);
  connections_.emplace(connection, std::move(handle));
}

void ConnectionRegistry::remove(Connection* connection) {
  const std::lock_guard lock(mutex_);
  connections_.erase(connection);
  if (connections_.empty()) empty_.notify_all();
}

std::size_t ConnectionRegistry::size() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

// Visits outside the lock: dropping the last reference to a connection calls remove().
void ConnectionRegistry::for_each(const std::function<void(Connection&)>& visit) const {
  std::vector<std::shared_ptr<Connection>> alive;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [connection, handle] : connections_) {
      if (auto strong = handle.lock()) alive.push_back(std::move(strong));
    }
  }
  for (const auto& connection : alive) visit(*connection);
}

void ConnectionRegistry::end_late() const {
  std::vector<std::shared_ptr<Connection>> late;
  {
    const auto now = Clock::now();
    const std::lock_guard lock(mutex_);
    for (const auto& [connection, handle] : connections_) {
      if (!connection->is_late(now)) continue;
      if (auto strong = handle.lock()) late.push_back(std::move(strong));
    }
  }
  for (const auto& connection : late) connection->end_if_late();
}

bool ConnectionRegistry::wait_empty(std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, timeout, [this] { return connections_.empty(); });
}

Responder::~Responder() {
  if (!connection_) return;
  try {
    std::move(*this).send(error_response({ErrorCode::internal, "the request ended without an answer", {}}));
  } catch (...) {
    connection_->abort();  // no memory even for that answer
  }
}

void Responder::send(Response response) && {
  const auto connection = std::move(connection_);
  if (connection) connection->send(std::move(response));
}

struct Responder::Pending {
  Responder responder;
  std::move_only_function<void(Responder)> work;
};

void Responder::take_turn(Pending& pending, Turn turn) {
  Responder& responder = pending.responder;
  if (turn == Turn::late) {
    responder.connection_->count_late();
    return std::move(responder).send(overloaded_response());
  }
  if (turn == Turn::waited && responder.connection_->caller_has_gone()) {
    return std::exchange(responder.connection_, nullptr)->abandon();
  }
  try {
    pending.work(std::move(responder));
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the responder, unwound, has answered 500
  }
}

void Responder::run(Lane lane, std::move_only_function<void(Responder)> work) && {
  const auto connection = connection_;
  // Shared, so that the responder can be taken back from a job that was refused.
  const auto pending = std::make_shared<Pending>(std::move(*this), std::move(work));
  Job job = [pending](Turn turn) { take_turn(*pending, turn); };
  if (connection->run(lane, job)) return;
  std::move(pending->responder).send(overloaded_response());
}

}  // namespace ndb::http
