// Who may do what: API keys. Threads: any; keys may be replaced at any time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "ipc/http/message.hpp"
#include "ndb/error.hpp"

namespace ndb::http {

/// What a route asks of its caller.
enum class Access : std::uint8_t {
  open,   ///< nothing: liveness and readiness
  read,   ///< either key
  write,  ///< the full key
};

/// full allows everything, read reading. Empty keys do not exist; with neither, everybody may do everything.
struct Keys {
  std::string full;
  std::string read;
};

/// Whether two secrets are equal, in time that depends on the length of `given` only.
[[nodiscard]] bool equal_in_constant_time(std::string_view given, std::string_view secret) noexcept;

class AccessControl {
 public:
  explicit AccessControl(Keys keys) : keys_(std::make_shared<const Keys>(std::move(keys))) {}

  /// Looks at `Authorization: Bearer KEY` and `api-key: KEY`, and, for reading, at `Authorization: Basic`, whose
  /// password is the key: that is what browsers can send, and what they send for other sites' pages too, so it does not
  /// allow writing. unauthenticated without a valid key, permission_denied with one that does not suffice.
  [[nodiscard]] Status check(Access needed, const Headers& headers) const;
  /// Later requests need these. To take the last key away is not possible: it would let everybody in.
  void replace(Keys keys);
  [[nodiscard]] Keys current() const { return *keys(); }

 private:
  [[nodiscard]] std::shared_ptr<const Keys> keys() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const Keys> keys_;  // guarded by mutex_
};

}  // namespace ndb::http
