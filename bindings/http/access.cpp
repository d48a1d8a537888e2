#include "bindings/http/access.hpp"

#include <openssl/evp.h>

namespace ndb::http {
namespace {

struct Credentials {
  std::string key;
  bool from_browser = false;  // which sends them with whatever any page makes it send
};

bool take_scheme(std::string_view& authorization, std::string_view scheme) {
  if (!equal_ignoring_case(authorization.substr(0, scheme.size()), scheme)) return false;
  authorization.remove_prefix(scheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  return true;
}

// The password of "user:password" in base64; the user's name is nobody's business.
std::string basic_password(std::string_view encoded) {
  constexpr std::size_t kMaxBytes = 8U << 10;
  if (encoded.empty() || encoded.size() > kMaxBytes || encoded.size() % 4 != 0) return {};
  std::string decoded(encoded.size() / 4 * 3, '\0');
  const int bytes =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                      reinterpret_cast<const unsigned char*>(encoded.data()), static_cast<int>(encoded.size()));
  if (bytes < 0) return {};
  const std::size_t padding = encoded.ends_with("==") ? 2 : encoded.ends_with('=') ? 1 : 0;
  decoded.resize(static_cast<std::size_t>(bytes) - padding);
  const std::size_t colon = decoded.find(':');
  return colon == std::string::npos ? std::string() : decoded.substr(colon + 1);
}

Credentials credentials_of(const Headers& headers) {
  if (const auto authorization = find_header(headers, "Authorization")) {
    std::string_view rest = *authorization;
    if (take_scheme(rest, "bearer ")) return {std::string(rest), false};
    if (take_scheme(rest, "basic ")) return {basic_password(rest), true};
    return {};
  }
  return {std::string(find_header(headers, "api-key").value_or("")), false};
}

}  // namespace

bool equal_in_constant_time(std::string_view given, std::string_view secret) noexcept {
  // An empty secret equals nothing; otherwise every byte of `given` is compared with some byte of the secret.
  if (secret.empty()) return false;
  volatile unsigned difference = given.size() == secret.size() ? 0U : 1U;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto a = static_cast<unsigned char>(given[i]);
    const auto b = static_cast<unsigned char>(secret[i % secret.size()]);
    difference = difference | static_cast<unsigned>(a ^ b);
  }
  return difference == 0;
}

std::shared_ptr<const Keys> AccessControl::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

void AccessControl::replace(Keys keys) {
  const std::lock_guard lock(mutex_);
  if (keys.full.empty() && keys.read.empty()) return;
  keys_ = std::make_shared<const Keys>(std::move(keys));
}

Status AccessControl::check(Access needed, const Headers& headers) const {
  if (needed == Access::open) return {};
  const auto keys = this->keys();
  if (keys->full.empty() && keys->read.empty()) return {};
  const auto [key, from_browser] = credentials_of(headers);
  const bool is_full = equal_in_constant_time(key, keys->full);
  const bool is_read = equal_in_constant_time(key, keys->read);
  const bool may_write = is_full && !from_browser;
  if (may_write || ((is_full || is_read) && needed == Access::read)) return {};
  if (is_full) return fail(ErrorCode::permission_denied, "with Basic credentials only reading is allowed: use Bearer");
  if (is_read) return fail(ErrorCode::permission_denied, "this key allows reading only");
  return fail(ErrorCode::unauthenticated,
              key.empty() ? "a key is needed: Authorization: Bearer KEY" : "the key is not valid");
}

}  // namespace ndb::http
