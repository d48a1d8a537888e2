// A small blocking HTTP/1.1 client: keep-alive, deadlines, answers by length, chunked or until close; http and https.
//
// Threads: a Client belongs to one thread at a time; a ClientPool may be used from any.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/http/message.hpp"
#include "ndb/error.hpp"

namespace ndb::http {

struct Url {
  std::string host;  ///< without brackets
  std::uint16_t port = 80;
  std::string path;  ///< "" or "/prefix", without a trailing slash; put before every target
  bool tls = false;
};

/// "http://host[:port][/prefix]", https likewise; "host:port" means http. invalid_argument for anything else.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds request_timeout{60'000};  ///< from sending the request to the last byte of its answer
  std::uint64_t max_body_bytes = 1ULL << 30;
  std::string ca_file;             ///< PEM; "" trusts what the system trusts
  std::string certificate_file;    ///< PEM chain and key to show to servers that ask for one; "" for none
  std::string key_file;
  bool verify_certificate = true;  ///< https only
};

struct ClientResponse {
  unsigned status = 0;
  Headers headers;
  std::string body;

  [[nodiscard]] bool ok() const noexcept { return status >= 200 && status < 300; }
};

class Client {
 public:
  /// Connects at once, so that a wrong address shows here: unavailable if nobody listens, timeout.
  [[nodiscard]] static Result<Client> connect(std::string_view url, const ClientOptions& options = {});
  /// The same, but connects at the first request.
  [[nodiscard]] static Result<Client> create(std::string_view url, const ClientOptions& options = {});

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// Sends a request and waits for its answer, of whatever status. `headers` need not name Host, Content-Length or
  /// Connection. Connects anew when the server has closed the connection meanwhile. Errors: unavailable (could not
  /// connect, or the connection broke: whether the request was carried out is then unknown), timeout.
  [[nodiscard]] Result<ClientResponse> request(std::string_view method, std::string_view target,
                                               const Headers& headers = {}, std::string_view body = {});
  /// The same; an answer that is not 2xx becomes the Error it carries.
  [[nodiscard]] Result<ClientResponse> call(std::string_view method, std::string_view target,
                                            std::string_view json_body = {}, const Headers& headers = {});
  void set_request_timeout(std::chrono::milliseconds timeout) noexcept;

  struct Impl;  // internal

 private:
  explicit Client(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Keeps idle connections to one server.
class ClientPool {
 public:
  ClientPool(std::string url, ClientOptions options, std::size_t max_idle = 64)
      : url_(std::move(url)), options_(std::move(options)), max_idle_(max_idle) {}

  /// As Client::request, from any thread.
  [[nodiscard]] Result<ClientResponse> request(std::string_view method, std::string_view target, const Headers& headers,
                                               std::string_view body);
  [[nodiscard]] const std::string& url() const noexcept { return url_; }

 private:
  [[nodiscard]] Result<Client> take();
  void give_back(Client client);

  const std::string url_;
  const ClientOptions options_;
  const std::size_t max_idle_;
  std::mutex mutex_;
  std::vector<Client> idle_;  // guarded by mutex_
};

}  // namespace ndb::http
