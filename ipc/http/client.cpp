#include "ipc/http/client.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "ipc/http/error_map.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {

namespace net = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using net::ip::tcp;
using TlsStream = net::ssl::stream<beast::tcp_stream>;

struct Client::Impl {
  Url url;
  ClientOptions options;
  net::io_context io;
  net::ssl::context tls_context{net::ssl::context::tls_client};
  std::optional<beast::tcp_stream> plain;
  std::optional<TlsStream> tls;
  beast::flat_buffer buffer;

  [[nodiscard]] Status connect();
  [[nodiscard]] Status handshake();
  [[nodiscard]] bool connected() const { return plain.has_value() || tls.has_value(); }
  [[nodiscard]] bool is_stale();
  void disconnect();
  [[nodiscard]] beast::tcp_stream& lowest() { return url.tls ? tls->next_layer() : *plain; }
  [[nodiscard]] std::string header_of(std::string_view method, std::string_view target, const Headers& headers,
                                      std::size_t body_bytes) const;
  template <class Stream>
  [[nodiscard]] Result<ClientResponse> exchange(Stream& stream, std::string_view header, std::string_view body,
                                                bool head_only);
  [[nodiscard]] Error broken(const error_code& error, std::string_view doing) const;

  // Starts an asynchronous operation and runs it to its end: that is how Asio does deadlines.
  template <class Start>
  error_code wait(Start start) {
    std::optional<error_code> outcome;
    start([&outcome](error_code error, auto&&...) { outcome = error; });
    io.restart();
    while (!outcome && io.run_one() > 0) {
    }
    return outcome.value_or(net::error::operation_aborted);
  }
};

Error Client::Impl::broken(const error_code& error, std::string_view doing) const {
  const std::string where = url.host + ":" + std::to_string(url.port);
  const bool late = error == beast::error::timeout || error == net::error::timed_out;
  return {late ? ErrorCode::timeout : ErrorCode::unavailable,
          std::string(doing) + " " + where + ": " + (late ? "timed out" : error.message()),
          {}};
}

Status Client::Impl::connect() {
  disconnect();
  error_code error;
  tcp::resolver resolver(io);
  const auto endpoints = resolver.resolve(url.host, std::to_string(url.port), error);
  if (error) return std::unexpected(broken(error, "cannot resolve"));
  beast::tcp_stream stream(io);
  stream.expires_after(options.connect_timeout);
  error = wait([&](auto done) { stream.async_connect(endpoints, std::move(done)); });
  if (error) return std::unexpected(broken(error, "cannot connect to"));
  stream.socket().set_option(tcp::no_delay(true), error);
  if (!url.tls) {
    plain.emplace(std::move(stream));
    return {};
  }
  SSL_CTX_set_min_proto_version(tls_context.native_handle(), TLS1_2_VERSION);
  tls.emplace(std::move(stream), tls_context);
  const Status shaken = handshake();
  if (!shaken) disconnect();
  return shaken;
}

Status Client::Impl::handshake() {
  error_code error;
  if (options.verify_certificate) {
    if (options.ca_file.empty())
      tls_context.set_default_verify_paths(error);
    else
      tls_context.load_verify_file(options.ca_file, error);
    if (error) return std::unexpected(broken(error, "cannot load the certificates to trust for"));
    tls->set_verify_mode(net::ssl::verify_peer, error);
    tls->set_verify_callback(net::ssl::host_name_verification(url.host), error);
  }
  if (!options.certificate_file.empty()) {
    SSL* const native = tls->native_handle();
    if (SSL_use_certificate_chain_file(native, options.certificate_file.c_str()) != 1 ||
        SSL_use_PrivateKey_file(native, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      return fail(ErrorCode::invalid_argument,
                  "cannot use the certificate " + options.certificate_file + " and its key", "tls");
    }
  }
  SSL_set_tlsext_host_name(tls->native_handle(), url.host.c_str());
  lowest().expires_after(options.connect_timeout);
  error = wait([&](auto done) { tls->async_handshake(net::ssl::stream_base::client, std::move(done)); });
  if (error) return std::unexpected(broken(error, "no TLS with"));
  return {};
}

void Client::Impl::disconnect() {
  plain.reset();
  tls.reset();
  buffer.clear();
}

// Whether the server has closed the connection while it was idle, or sent what nobody asked for.
bool Client::Impl::is_stale() {
  char byte = 0;
  const auto got = ::recv(lowest().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
  return got == 0 || !url.tls;  // TLS may have session tickets waiting
}

std::string Client::Impl::header_of(std::string_view method, std::string_view target, const Headers& headers,
                                    std::size_t body_bytes) const {
  std::string out;
  out.append(method).append(" ").append(url.path).append(target).append(" HTTP/1.1\r\nHost: ");
  const bool is_ipv6 = url.host.find(':') != std::string::npos;
  out.append(is_ipv6 ? "[" : "").append(url.host).append(is_ipv6 ? "]:" : ":");
  out.append(std::to_string(url.port)).append("\r\n");
  if (body_bytes > 0 || (method != "GET" && method != "HEAD")) {
    out.append("Content-Length: ").append(std::to_string(body_bytes)).append("\r\n");
  }
  for (const Header& header : headers) out.append(header.name).append(": ").append(header.value).append("\r\n");
  return out.append("\r\n");
}

template <class Stream>
Result<ClientResponse> Client::Impl::exchange(Stream& stream, std::string_view header, std::string_view body,
                                              bool head_only) {
  const std::array<net::const_buffer, 2> out{net::buffer(header), net::buffer(body)};
  lowest().expires_after(options.request_timeout);
  error_code error = wait([&](auto done) { net::async_write(stream, out, std::move(done)); });
  // A server may refuse and close before it has read everything: its answer is worth reading even then.
  const error_code write_error = error;
  if (error == beast::error::timeout) return std::unexpected(broken(error, "no answer from"));
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(options.max_body_bytes);
  parser.skip(head_only);
  error = wait([&](auto done) { beast::http::async_read(stream, buffer, parser, std::move(done)); });
  if (error) return std::unexpected(broken(write_error ? write_error : error, "no answer from"));
  ClientResponse response{.status = parser.get().result_int(), .headers = {}, .body = std::move(parser.get().body())};
  for (const auto& field : parser.get()) {
    response.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  if (!parser.keep_alive() || write_error) disconnect();
  return response;
}

Client::Client(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::create(std::string_view url, const ClientOptions& options) {
  NDB_TRY_ASSIGN(Url parsed, parse_url(url));
  auto impl = std::make_unique<Impl>();
  impl->url = std::move(parsed);
  impl->options = options;
  return Client(std::move(impl));
}

Result<Client> Client::connect(std::string_view url, const ClientOptions& options) {
  NDB_TRY_ASSIGN(Client client, create(url, options));
  NDB_TRY(client.impl_->connect());
  return client;
}

Result<ClientResponse> Client::request(std::string_view method, std::string_view target, const Headers& headers,
                                       std::string_view body) {
  Impl& impl = *impl_;
  const bool reused = impl.connected() && !impl.is_stale();
  if (!reused) NDB_TRY(impl.connect());
  const std::string header = impl.header_of(method, target, headers, body.size());
  const bool head_only = method == "HEAD";
  const auto exchange = [&] {
    return impl.url.tls ? impl.exchange(*impl.tls, header, body, head_only)
                        : impl.exchange(*impl.plain, header, body, head_only);
  };
  auto response = exchange();
  const bool safe = head_only || method == "GET";
  if (!response && reused && safe && response.error().code == ErrorCode::unavailable) {
    NDB_TRY(impl.connect());
    response = exchange();
  }
  if (!response) impl.disconnect();
  return response;
}

Result<ClientResponse> Client::call(std::string_view method, std::string_view target, std::string_view json_body,
                                    const Headers& headers) {
  Headers all = headers;
  if (!json_body.empty()) all.push_back({"Content-Type", "application/json"});
  NDB_TRY_ASSIGN(ClientResponse response, request(method, target, all, json_body));
  if (!response.ok()) return std::unexpected(error_of(response.status, response.body));
  return response;
}

void Client::set_request_timeout(std::chrono::milliseconds timeout) noexcept {
  impl_->options.request_timeout = timeout;
}

Result<Client> ClientPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      Client client = std::move(idle_.back());
      idle_.pop_back();
      return client;
    }
  }
  return Client::create(url_, options_);
}

void ClientPool::give_back(Client client) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < max_idle_) idle_.push_back(std::move(client));
}

Result<ClientResponse> ClientPool::request(std::string_view method, std::string_view target, const Headers& headers,
                                           std::string_view body) {
  NDB_TRY_ASSIGN(Client client, take());
  auto response = client.request(method, target, headers, body);
  if (response) give_back(std::move(client));
  return response;
}

}  // namespace ndb::http
