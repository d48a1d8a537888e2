// The number that orders matches inside the engine: the distance key, a float, smaller is better, never NaN or infinite.
//   euclidean  |q − x|²        dot  −q·x        cosine  −cos(q, x)
// Values beyond ±kMaxPlainKey, and squares closer to zero than kMinPlainKey, do not fit a float as they are, but vectors of
// any finite size are legal input: outside these bounds keys go on along a logarithmic scale, so that order and about four
// digits of the score survive. Keys of different segments compare.
//
// Threads: pure functions.
#pragma once

#include "ndb/collection_config.hpp"

namespace ndb::index {

/// Between these magnitudes, and at 0, a key is the plain value.
inline constexpr float kMaxPlainKey = 1e38F;
inline constexpr float kMinPlainKey = 1e-30F;

/// The key for a value of any size, computed in double. NaN (only damaged data makes one) becomes the worst key.
[[nodiscard]] float key_from_double(double value) noexcept;
/// The value behind a key; inverse of key_from_double up to rounding.
[[nodiscard]] double double_from_key(float key) noexcept;

/// The public score of a match: Euclidean distance, dot product or cosine similarity; always finite.
[[nodiscard]] float score_from_key(float key, Distance distance) noexcept;

}  // namespace ndb::index
