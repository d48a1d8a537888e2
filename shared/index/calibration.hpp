// How many candidates a graph needs for a wanted recall: measured when it is built, kept in it, asked by searches that name a
// recall instead of ef. Threads: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "shared/index/hnsw_view.hpp"
#include "shared/index/vectors_view.hpp"

namespace ndb::index {

/// The ef at which recall@10 is measured.
inline constexpr std::array<std::uint32_t, 14> kCalibratedEfs{10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512};
/// What a search for k matches is calibrated for.
inline constexpr std::uint32_t kCalibratedK = 10;

/// Fills recall[i], the mean recall@10 of `graph` at kCalibratedEfs[i], over up to 200 queries made from rows and the
/// differences of their neighbours; non-decreasing. threads: used for the exact answers.
void measure_recall(const HnswView& graph, const VectorsView& vectors, unsigned threads,
                    std::span<float, kCalibratedEfs.size()> recall);

/// The smallest ef for this recall (0 < recall < 1) and k, interpolated; beyond what was measured, more than that. A graph without
/// measurements (empty `measured`) gets a cautious guess.
[[nodiscard]] std::uint32_t ef_for_recall(std::span<const float> measured, double recall, std::uint32_t k) noexcept;

}  // namespace ndb::index
