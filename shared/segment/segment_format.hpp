// Section numbers of a segment's files (docs/formats.md, "Segment").
#pragma once

#include <cstdint>

namespace ndb::segment {

// file "vectors"
inline constexpr std::uint32_t kVectorsSection = 1;       // rows * stride bytes; element_bytes is the stride
inline constexpr std::uint32_t kInverseNormsSection = 2;  // float32 per row; cosine only
// file "ids"
inline constexpr std::uint32_t kIdOffsetsSection = 1;     // uint32, rows + 1
inline constexpr std::uint32_t kIdBytesSection = 2;
inline constexpr std::uint32_t kIdTableSection = 3;       // uint64 slots, a power of two of them; see id_hash.hpp
// file "payloads"
inline constexpr std::uint32_t kPayloadOffsetsSection = 1;  // uint64, rows + 1, multiples of 8
inline constexpr std::uint32_t kPayloadBytesSection = 2;    // FlexBuffers, each padded to 8
inline constexpr std::uint32_t kPayloadSizesSection = 3;    // uint32 per row, without padding; 0: no payload
// file "hnsw-…"
inline constexpr std::uint32_t kHnswSection = 1;            // one FlatBuffer

}  // namespace ndb::segment
