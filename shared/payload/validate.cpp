#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "shared/payload/payload.hpp"

namespace ndb::payload {
namespace {

std::unexpected<Error> refuse(std::string field, std::string_view why) {
  std::string message = fmt::format("{} {}", field, why);
  return fail(ErrorCode::invalid_argument, std::move(message), std::move(field));
}

struct Looked {
  bool finite, zero;
};

// At all elements without a branch for each: their bits tell, and the compiler makes vectors of it.
Looked look_at(std::span<const float> vector) noexcept {
  constexpr std::uint32_t kMagnitude = 0x7FFF'FFFF, kInfinity = 0x7F80'0000;
  std::uint32_t any = 0, infinite = 0;
  for (const float x : vector) {
    const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(x) & kMagnitude;
    any |= magnitude;
    infinite |= magnitude >= kInfinity ? 1U : 0U;
  }
  return {infinite == 0, any == 0};
}

}  // namespace

Status validate_id(std::string_view id, std::string_view field) {
  if (id.empty()) return refuse(std::string(field), "is empty; an id has 1 to 512 bytes");
  if (id.size() > Limits::kMaxIdBytes)
    return refuse(std::string(field), fmt::format("has {} bytes; an id has 1 to {}", id.size(), Limits::kMaxIdBytes));
  const auto nul = id.find('\0');
  if (nul != std::string_view::npos) return refuse(std::string(field), fmt::format("has a NUL at byte {}", nul));
  if (!simdjson::validate_utf8(id.data(), id.size())) return refuse(std::string(field), "is not valid UTF-8");
  return {};
}

Status validate_vector(std::span<const float> vector, std::uint32_t dim, Distance distance, std::string_view field) {
  if (vector.size() != dim)
    return refuse(std::string(field), fmt::format("has {} elements; the collection has dim {}", vector.size(), dim));
  const Looked looked = look_at(vector);
  if (!looked.finite) {
    const auto bad = std::ranges::find_if(vector, [](float x) { return !std::isfinite(x); });
    const auto* what = std::isnan(*bad) ? "is NaN" : "is infinite, or beyond the range of float32";
    return refuse(fmt::format("{}[{}]", field, bad - vector.begin()), what);
  }
  if (distance == Distance::cosine && looked.zero)
    return refuse(std::string(field), "is all zero, which has no direction and so no cosine similarity");
  return {};
}

}  // namespace ndb::payload
