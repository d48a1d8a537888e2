// What every fuzz target has: one body that takes bytes. The same body is a libFuzzer program (preset fuzz, tests/fuzz.sh) and, in the
// program of replay_main.cpp, a test that runs over the kept corpus and changes of it in every build.
//
//   NDB_FUZZ_TARGET(name, data, size) { ...; return 0; }     once in name_fuzz.cpp
//
// A body may not crash, leak, run for seconds, or break what it must(); it is called again and again in one process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#include "shared/base/bytes.hpp"

namespace ndb::fuzz {

using Body = int (*)(const std::uint8_t* data, std::size_t size);

/// Makes a body known to the replay program.
struct Registered {
  Registered(const char* name, Body body);
};

inline void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

/// Takes an input apart: small numbers first, the rest as bytes. Past the end everything is zero.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : bytes_(reinterpret_cast<const std::byte*>(data), size) {}

  template <class T>
  [[nodiscard]] T take() {
    T value{};
    const std::size_t bytes = bytes_.size() < sizeof value ? bytes_.size() : sizeof value;
    if (bytes > 0) std::memcpy(&value, bytes_.data(), bytes);
    bytes_ = bytes_.subspan(bytes);
    return value;
  }
  /// A number in [low, high].
  template <class T>
  [[nodiscard]] T within(T low, T high) {
    return static_cast<T>(low + take<T>() % (high - low + 1));
  }
  [[nodiscard]] base::ByteSpan take_bytes(std::size_t bytes) {
    const auto part = bytes_.first(bytes < bytes_.size() ? bytes : bytes_.size());
    bytes_ = bytes_.subspan(part.size());
    return part;
  }
  [[nodiscard]] base::ByteSpan rest() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }

 private:
  base::ByteSpan bytes_;
};

}  // namespace ndb::fuzz

#ifdef NDB_LIBFUZZER
#define NDB_FUZZ_TARGET(name, data, size) extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
#else
#define NDB_FUZZ_TARGET(name, data, size)                                   \
  static int fuzz_##name(const std::uint8_t* data, std::size_t size);       \
  static const ndb::fuzz::Registered registered_##name(#name, fuzz_##name); \
  static int fuzz_##name(const std::uint8_t* data, std::size_t size)
#endif
