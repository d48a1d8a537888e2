// HTTP: header framing on its own, and everything that a client may send, over a real connection to a real server.
#include <charconv>

#include "ipc/http/framing.hpp"
#include "ipc/http/server.hpp"
#include "ipc/http/target.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/unit/ipc/http/raw_socket.hpp"

using namespace ndb;

namespace {

void check_headers(std::string_view text) {
  http::Headers headers;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto colon = line.find(':');
    if (colon != std::string_view::npos) headers.push_back({std::string(line.substr(0, colon)), std::string(line.substr(colon + 1))});
  }
  for (const unsigned version : {10U, 11U}) {
    const auto framing = http::check_framing(headers, version);
    if (!framing || framing->kind != http::Framing::Kind::chunked) continue;
    fuzz::must(version == 11 && !http::find_header(headers, "Content-Length"), "a chunked body that could be framed in another way");
  }
}

http::Server& server() {
  static http::Server one = [] {
    http::ServerOptions options;
    options.io_threads = 1;
    options.max_body_bytes = 4096;
    options.max_header_bytes = 4096;
    auto started = http::Server::start(options, [](http::Request&& request, http::Responder responder) {
      http::Response answer;
      answer.body = request.method + " " + request.target + " " + std::to_string(request.body.size());
      std::move(responder).send(std::move(answer));
    });
    fuzz::must(started.has_value(), "the server does not start");
    return std::move(*started);
  }();
  return one;
}

}  // namespace

NDB_FUZZ_TARGET(http, data, size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_headers(text);
  const test::RawSocket probe(server().port());
  fuzz::must(probe.connected(), "the server is gone");
  test::RawSocket socket(server().port());
  static_cast<void>(socket.send(text));
  socket.shutdown_send();
  const auto answers = socket.read_all();
  fuzz::must(socket.closed(), "the server keeps a connection whose client is done");
  fuzz::must(answers.empty() || answers.starts_with("HTTP/1."), "an answer that is none");
  return 0;
}
