#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>

#include "shared/payload/payload.hpp"

namespace ndb::payload {
namespace {

std::unexpected<Error> refuse(std::string field, std::string_view why) {
  std::string message = fmt::format("{} {}", field, why);
  return fail(ErrorCode::invalid_argument, std::move(message), std::move(field));
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
  const auto bad = std::ranges::find_if(vector, [](float x) { return !std::isfinite(x); });
  if (bad != vector.end()) {
    const auto* what = std::isnan(*bad) ? "is NaN" : "is infinite, or beyond the range of float32";
    return refuse(fmt::format("{}[{}]", field, bad - vector.begin()), what);
  }
  if (distance == Distance::cosine && std::ranges::all_of(vector, [](float x) { return x == 0.0F; }))
    return refuse(std::string(field), "is all zero, which has no direction and so no cosine similarity");
  return {};
}

}  // namespace ndb::payload
