// The tables of the single instruction sets; only the ones of this architecture are compiled. For kernels.cpp.
#pragma once

#include "shared/simd/kernels.hpp"

namespace ndb::simd {

extern const Kernels kScalarKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kNeonKernels;

}  // namespace ndb::simd
