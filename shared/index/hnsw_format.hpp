// Constants of the HNSW format (shared/format/schema/hnsw.fbs).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ndb::index {

inline constexpr std::uint32_t kHnswFormatVersion = 2;  // what is written; 2 added 1-bit codes
inline constexpr std::uint32_t kOldestHnswFormatVersion = 1;
inline constexpr std::uint32_t kMinM = 2;
inline constexpr std::uint32_t kMaxM = 128;
inline constexpr std::size_t kMinHnswBytes = 64;
inline constexpr std::size_t kMaxHnswBytes = (std::size_t{1} << 31) - 65'536;  // FlatBuffers' limit, less some room

}  // namespace ndb::index
