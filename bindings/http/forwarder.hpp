// Sends what a reader cannot do itself to the writer, and hands its answer back. Threads: any.
#pragma once

#include <string>

#include "bindings/http/trace/trace.hpp"
#include "ipc/http/client.hpp"
#include "ipc/http/message.hpp"

namespace ndb::http {

class Forwarder {
 public:
  /// writer_url: as for parse_url. options.request_timeout: long enough for a flush or compaction that is waited for.
  Forwarder(std::string writer_url, const ClientOptions& options) : pool_(std::move(writer_url), options) {}

  /// Method, target, body, credentials and Content-Type go to the writer, as part of the given trace; status, body,
  /// Content-Type and Retry-After come back. unavailable if the writer cannot be reached. A request that was forwarded
  /// before is refused rather than sent in a circle.
  [[nodiscard]] Result<Response> forward(const Request& request, const TraceContext& trace);

 private:
  ClientPool pool_;
};

}  // namespace ndb::http
