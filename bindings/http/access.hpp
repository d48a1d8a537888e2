// Who may do what: API keys. Threads: immutable after construction.
#pragma once

#include <cstdint>
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

/// Whether two secrets are equal, in time that depends on the length of `given` only.
[[nodiscard]] bool equal_in_constant_time(std::string_view given, std::string_view secret) noexcept;

class AccessControl {
 public:
  /// full_key allows everything, read_key reading. Empty keys do not exist; with neither, everybody may do everything.
  AccessControl(std::string full_key, std::string read_key)
      : full_key_(std::move(full_key)), read_key_(std::move(read_key)) {}

  /// Looks at `Authorization: Bearer KEY` and `api-key: KEY`. unauthenticated without a valid key, permission_denied
  /// with one that does not suffice.
  [[nodiscard]] Status check(Access needed, const Headers& headers) const;
  [[nodiscard]] bool has_keys() const noexcept { return !full_key_.empty() || !read_key_.empty(); }

 private:
  const std::string full_key_;
  const std::string read_key_;
};

}  // namespace ndb::http
