// Payloads: a JSON object goes in, FlexBuffers bytes are kept, filters read them in place, a JSON object comes out.
//
// Kept: every value, and whether a number was an integer (3 stays 3, 3.0 stays 3.0; int64 and uint64 in full). Not kept:
// white space, the order of keys (they come out sorted by bytes), and of a repeated key all but the last value.
// Threads: pure functions, any thread. No payload is zero bytes, which is not the same as the object {}.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ndb/collection_config.hpp"
#include "ndb/error.hpp"
#include "shared/base/bytes.hpp"

namespace ndb::payload {

/// Objects and arrays inside each other, the outermost included.
inline constexpr std::size_t kMaxDepth = 64;

/// FlexBuffers of a JSON object; no bytes for an empty text. invalid_argument under `field` if the text is no object, is
/// no strict JSON or UTF-8, is longer than Limits::kMaxPayloadBytes, nests deeper than kMaxDepth, has an integer beyond
/// 64 bits, a number beyond double, or a key with a NUL.
[[nodiscard]] Result<std::vector<std::byte>> encode(std::string_view json, std::string_view field = "payload");

/// JSON of what encode() made; an empty text for no bytes. Safe for any bytes: corruption if they are not a payload.
[[nodiscard]] Result<std::string> decode(base::ByteSpan flexbuffers);

/// invalid_argument under `field` unless `id` is 1–512 bytes of UTF-8 without NUL.
[[nodiscard]] Status validate_id(std::string_view id, std::string_view field = "id");

/// invalid_argument under `field`, with the position where there is one ("vector[17]"), unless `vector` has exactly `dim`
/// finite elements and under cosine is not all zero.
[[nodiscard]] Status validate_vector(std::span<const float> vector, std::uint32_t dim, Distance distance,
                                     std::string_view field = "vector");

}  // namespace ndb::payload
