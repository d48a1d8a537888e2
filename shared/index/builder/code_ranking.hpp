// How well codes order the rows of a segment, judged on a sample before they are used. Threads: pure functions, which use as many
// threads as they are told (0: all CPUs).
#pragma once

#include <cstddef>

#include "shared/index/codes/bit_codec.hpp"
#include "shared/index/codes/codec.hpp"
#include "shared/index/vectors_view.hpp"

namespace ndb::index {

/// Whether walking on these codes finds the nearest rows: compares code order with exact order for some rows of `vectors`
/// among up to 50,000 others. codes: [rows · stride]. Takes about a hundredth of the time of building a graph.
[[nodiscard]] bool codes_rank_well(const VectorsView& vectors, const Codec& codec, const std::byte* codes,
                                   unsigned threads = 1);

/// How well codes order rows for rows of `vectors` as queries: the mean number of candidates that a walk must keep so
/// that the ten nearest are among them; 10 is perfect. rows: [vectors.rows · stride]. Looks at up to 50,000 rows.
[[nodiscard]] double candidates_for_ten(const VectorsView& vectors, const BitCodec& codec, const std::byte* rows,
                                        unsigned threads = 1);

}  // namespace ndb::index
