#include "shared/simd/kernels.hpp"

#include <cstdlib>
#include <string_view>

#include "shared/simd/kernels_tables.hpp"

namespace ndb::simd {
namespace {

const Kernels& choose() {
  const auto usable = usable_kernels();
  if (const char* forced = std::getenv("NDB_SIMD"); forced != nullptr) {
    for (const Kernels* table : usable)
      if (std::string_view(forced) == table->name) return *table;
  }
  return *usable.back();
}

}  // namespace

std::vector<const Kernels*> usable_kernels() {
  std::vector<const Kernels*> usable{&kScalarKernels};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("popcnt")) usable.push_back(&kAvx2Kernels);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("fma"))
    usable.push_back(&kAvx512Kernels);
#elif defined(__aarch64__)
  usable.push_back(&kNeonKernels);
#endif
  return usable;
}

const Kernels& kernels() noexcept {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace ndb::simd
