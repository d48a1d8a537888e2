// CRC32C (Castagnoli, RFC 3720), by the SSE4.2 / ARMv8 instruction where the processor has it. Thread-safe.
#pragma once

#include <cstdint>

#include "shared/base/bytes.hpp"

namespace ndb::base {

/// Checksum of `bytes`; `seed` is the checksum of what comes before them (0 at the start).
[[nodiscard]] std::uint32_t crc32c(ByteSpan bytes, std::uint32_t seed = 0) noexcept;

}  // namespace ndb::base
