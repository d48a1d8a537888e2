#include "shared/index/builder/code_ranking.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <variant>
#include <vector>

#include "shared/index/builder/parallel_rows.hpp"
#include "shared/index/prepared_query.hpp"
#include "shared/index/top_k.hpp"

namespace ndb::index {
namespace {

constexpr std::size_t kNearest = 10;         // the true neighbours …
constexpr std::size_t kAmong = 15;           // … that must be among so many by code order
constexpr std::size_t kSampledQueries = 40;
constexpr Row kSampledRows = 50'000;
constexpr double kGoodEnough = 0.97;

// How many of the kNearest best rows the code order finds for the vector of `row` itself.
std::size_t found_by_codes(const VectorsView& vectors, const Codec& codec, const std::byte* codes, Row row, Row step) {
  const std::size_t stride = Codec::stride_bytes(vectors.dim);
  const PreparedQuery query({vectors.vector(row), vectors.dim}, vectors.distance);
  TopK<> exact(kNearest);
  TopK<> estimated(kAmong);
  for (std::uint64_t i = 0; i < vectors.rows; i += step) {
    if (i == row) continue;
    const Row other = static_cast<Row>(i);
    exact.push(query.key(vectors, other), other);
    estimated.push(codec.key(codes + row * stride, codes + i * stride), other);
  }
  const auto best = exact.take();
  std::size_t found = 0;
  for (const Candidate& candidate : estimated.take())
    found += !best.empty() && query.key(vectors, candidate.row) <= best.back().key ? 1 : 0;
  return found >= best.size() ? kNearest : found;  // ties may find more, few rows less
}

}  // namespace

bool codes_rank_well(const VectorsView& vectors, const Codec& codec, const std::byte* codes, unsigned threads) {
  const Row step = std::max<Row>(1, vectors.rows / kSampledRows);
  const std::size_t queries = std::min<std::size_t>(kSampledQueries, vectors.rows);
  std::atomic<std::size_t> found = 0;  // relaxed: read after the threads have joined
  ParallelRows<std::monostate>(threads, {}).each(queries, [&](std::uint64_t i, std::monostate&) {
    const auto row = static_cast<Row>(std::uint64_t{vectors.rows} * i / queries);
    found.fetch_add(found_by_codes(vectors, codec, codes, row, step), std::memory_order_relaxed);
  }, 1);
  return static_cast<double>(found) >= kGoodEnough * static_cast<double>(queries * kNearest);
}

namespace {

// How many rows have an estimated key that is no worse than the worst one of the nearest rows to `row`.
std::size_t candidates_for(const VectorsView& vectors, const BitCodec& codec, const std::byte* rows, Row row, Row step,
                           BitQueryBuffer& buffer) {
  const std::size_t stride = BitCodec::stride_bytes(vectors.dim);
  const PreparedQuery query({vectors.vector(row), vectors.dim}, vectors.distance);
  if (!codec.prepare(query.data(), false, buffer)) return vectors.rows;
  TopK<> exact(kNearest);
  std::vector<float> estimates;
  for (std::uint64_t i = 0; i < vectors.rows; i += step) {
    const std::byte* code = rows + i * stride;
    estimates.emplace_back();
    codec.kernels().bit_keys(buffer.query, &code, 1, &estimates.back());
    if (i != row) exact.push(query.key(vectors, static_cast<Row>(i)), static_cast<Row>(i));
  }
  float worst = std::numeric_limits<float>::lowest();
  for (const Candidate& candidate : exact.take()) worst = std::max(worst, estimates[candidate.row / step]);
  return static_cast<std::size_t>(std::ranges::count_if(estimates, [&](float estimate) { return estimate <= worst; }));
}

}  // namespace

double candidates_for_ten(const VectorsView& vectors, const BitCodec& codec, const std::byte* rows, unsigned threads) {
  const Row step = std::max<Row>(1, vectors.rows / kSampledRows);
  const std::size_t queries = std::min<std::size_t>(kSampledQueries, vectors.rows);
  std::atomic<std::size_t> sum = 0;  // relaxed: read after the threads have joined
  ParallelRows<BitQueryBuffer>(threads, {}).each(queries, [&](std::uint64_t i, BitQueryBuffer& buffer) {
    const auto row = static_cast<Row>(std::uint64_t{vectors.rows} * i / queries);
    sum.fetch_add(candidates_for(vectors, codec, rows, row, step, buffer), std::memory_order_relaxed);
  }, 1);
  return static_cast<double>(sum) / static_cast<double>(queries);
}

}  // namespace ndb::index
