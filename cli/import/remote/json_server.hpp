// A foreign database that speaks JSON over HTTP: asked again when it is busy or restarts, with its errors in its own words.
//
// Threads: one. The text of an answer must outlive what was parsed from it.
#pragma once

#include <string>

#include "ipc/http/client.hpp"

namespace ndb::cli {

class JsonServer {
 public:
  /// key_header: the name of the header that carries `key`; neither if the key is empty.
  [[nodiscard]] static Result<JsonServer> connect(const std::string& url, const std::string& key_header, const std::string& key);

  /// The body of a 2xx answer; not_found for 404.
  [[nodiscard]] Result<std::string> get(const std::string& target) { return call("GET", target, ""); }
  [[nodiscard]] Result<std::string> post(const std::string& target, const std::string& body) { return call("POST", target, body); }
  [[nodiscard]] const std::string& url() const noexcept { return url_; }

 private:
  JsonServer(std::string url, http::Client client, http::Headers headers)
      : url_(std::move(url)), client_(std::move(client)), headers_(std::move(headers)) {}
  [[nodiscard]] Result<std::string> call(const char* method, const std::string& target, const std::string& body);

  std::string url_;
  http::Client client_;
  http::Headers headers_;
};

/// A name as part of a path.
[[nodiscard]] std::string escaped(const std::string& name);

}  // namespace ndb::cli
