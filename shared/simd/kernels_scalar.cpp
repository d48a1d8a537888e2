// Plain C++: the reference for the other tables, and what runs on CPUs without them. Eight running sums let the compiler
// use whatever vectors the baseline has. Compiled without contraction to FMA, so that dot4 keeps the bits of dot.
#include <array>

#include "shared/simd/kernels_tables.hpp"

namespace ndb::simd {
namespace {

constexpr std::size_t kLanes = 8;

struct Dot {
  static float step(float a, float b) noexcept { return a * b; }
};
struct SquaredL2 {
  static float step(float a, float b) noexcept { return (a - b) * (a - b); }
};

template <class Step>
float reduce(const float* a, const float* b, std::size_t dim) noexcept {
  std::array<float, kLanes> sum{};
  std::size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sum[lane] += Step::step(a[i + lane], b[i + lane]);
  for (std::size_t lane = 0; i < dim; ++i, ++lane) sum[lane] += Step::step(a[i], b[i]);
  return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

template <class Step>
void reduce4(const float* const queries[4], const float* row, std::size_t dim, float out[4]) noexcept {
  for (std::size_t q = 0; q < 4; ++q) out[q] = reduce<Step>(queries[q], row, dim);
}

std::int32_t dot_i8(const std::int8_t* a, const std::int8_t* b, std::size_t dim) noexcept {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < dim; ++i) sum += std::int32_t{a[i]} * std::int32_t{b[i]};
  return sum;
}

}  // namespace

constinit const Kernels kScalarKernels{"scalar",       reduce<Dot>,        reduce<SquaredL2>,
                                       reduce4<Dot>, reduce4<SquaredL2>, dot_i8};

}  // namespace ndb::simd
