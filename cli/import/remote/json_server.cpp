#include "cli/import/remote/json_server.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

constexpr int kAttempts = 6;
constexpr std::chrono::milliseconds kFirstPause{250};
constexpr std::size_t kShownBytes = 300;

}  // namespace

Result<JsonServer> JsonServer::connect(const std::string& url, const std::string& key_header, const std::string& key) {
  NDB_TRY_ASSIGN(auto client, http::Client::connect(url));
  http::Headers headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  if (!key.empty()) headers.push_back({key_header, key});
  return JsonServer(url, std::move(client), std::move(headers));
}

Result<std::string> JsonServer::call(const char* method, const std::string& target, const std::string& body) {
  auto pause = kFirstPause;
  for (int attempt = 1;; ++attempt, pause *= 2) {
    auto answer = client_.request(method, target, headers_, body);
    if (answer && answer->ok()) return std::move(answer->body);
    const bool busy = answer ? answer->status == 429 || answer->status >= 500 : answer.error().code == ErrorCode::unavailable;
    if (busy && attempt < kAttempts) {
      std::this_thread::sleep_for(pause);
      continue;
    }
    if (!answer) return std::unexpected(answer.error());
    const ErrorCode code = answer->status == 404 ? ErrorCode::not_found : answer->status == 401 || answer->status == 403 ? ErrorCode::permission_denied
                                                                                                                        : ErrorCode::unavailable;
    return fail(code, fmt::format("{}{}: {} {}", url_, target, answer->status, answer->body.substr(0, kShownBytes)));
  }
}

std::string escaped(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) out += c;
    else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace ndb::cli
