// The tables of the single instruction sets; only the ones of this architecture are compiled. For kernels.cpp.
#pragma once

#include "shared/simd/kernels.hpp"

namespace ndb::simd {

extern const Kernels kScalarKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kNeonKernels;

// Functions of one table that another one, of a larger instruction set, uses too.
void hadamard_scalar(float* values, const float* signs, std::size_t count) noexcept;
float largest_scalar(const float* values, std::size_t count) noexcept;
std::int32_t round_i8_scalar(const float* values, std::size_t count, float inverse_step, std::int8_t* rounded) noexcept;
std::uint64_t bit_planes_scalar(const float* values, std::size_t count, float low, float inverse_step,
                                std::uint64_t* planes, std::size_t plane_count, std::size_t plane_words) noexcept;
std::size_t marked_rows_scalar(const std::uint32_t* rows, std::size_t count, const std::uint64_t* bitmap, std::uint32_t bits, std::uint32_t* out,
                               bool& beyond) noexcept;
std::size_t lowest_scalar(const float* values, std::size_t count) noexcept;
void hadamard_avx2(float* values, const float* signs, std::size_t count) noexcept;
float largest_avx2(const float* values, std::size_t count) noexcept;
std::int32_t round_i8_avx2(const float* values, std::size_t count, float inverse_step, std::int8_t* rounded) noexcept;
std::uint64_t bit_planes_avx2(const float* values, std::size_t count, float low, float inverse_step, std::uint64_t* planes,
                              std::size_t plane_count, std::size_t plane_words) noexcept;
std::size_t lowest_avx2(const float* values, std::size_t count) noexcept;

}  // namespace ndb::simd
