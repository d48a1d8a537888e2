// Reading, writing and damaging files in tests, straight through the standard library. Plain functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "shared/base/bytes.hpp"

namespace ndb::test {

[[nodiscard]] inline std::vector<std::byte> bytes_of_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto bytes = base::as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

/// Replaces the file's content in place.
inline void put_file(const std::filesystem::path& path, base::ByteSpan bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

/// Turns one bit of the file around.
inline void flip_bit(const std::filesystem::path& path, std::uint64_t offset, unsigned bit = 0) {
  auto bytes = bytes_of_file(path);
  bytes.at(offset) ^= static_cast<std::byte>(1U << bit);
  put_file(path, bytes);
}

[[nodiscard]] inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace ndb::test
