#include "bindings/http/access.hpp"

namespace ndb::http {
namespace {

std::string_view key_of(const Headers& headers) noexcept {
  constexpr std::string_view kBearer = "bearer ";
  if (const auto authorization = find_header(headers, "Authorization")) {
    if (!equal_ignoring_case(authorization->substr(0, kBearer.size()), kBearer)) return {};
    std::string_view key = authorization->substr(kBearer.size());
    while (key.starts_with(' ')) key.remove_prefix(1);
    return key;
  }
  return find_header(headers, "api-key").value_or(std::string_view{});
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
  const std::string_view key = key_of(headers);
  const bool is_full = equal_in_constant_time(key, keys->full);
  const bool is_read = equal_in_constant_time(key, keys->read);
  if (is_full || (is_read && needed == Access::read)) return {};
  if (is_read) return fail(ErrorCode::permission_denied, "this key allows reading only");
  return fail(ErrorCode::unauthenticated,
              key.empty() ? "a key is needed: Authorization: Bearer KEY" : "the key is not valid");
}

}  // namespace ndb::http
