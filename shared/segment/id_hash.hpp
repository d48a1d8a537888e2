// The hash under which ids are found, in segments (on disk: part of the format) and in memtables.
// FNV-1a over 8-byte words, finished with the mixer of MurmurHash3 (both public domain). Threads: a plain function.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace ndb::segment {

[[nodiscard]] inline std::uint64_t id_hash(std::string_view id) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325ULL ^ id.size();
  while (!id.empty()) {
    std::uint64_t word = 0;
    const std::size_t taken = id.size() < 8 ? id.size() : 8;
    std::memcpy(&word, id.data(), taken);
    hash = (hash ^ word) * 0x100000001B3ULL;
    hash ^= hash >> 32;
    id.remove_prefix(taken);
  }
  hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDULL;
  hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53ULL;
  return hash ^ (hash >> 33);
}

/// A slot of an open-addressing table: the hash's upper half and row + 1; 0 is empty.
[[nodiscard]] inline std::uint64_t make_slot(std::uint64_t hash, std::uint32_t row) noexcept {
  return (hash & 0xFFFFFFFF00000000ULL) | (std::uint64_t{row} + 1);
}
[[nodiscard]] inline bool slot_may_be(std::uint64_t slot, std::uint64_t hash) noexcept { return (slot ^ hash) >> 32 == 0; }
[[nodiscard]] inline std::uint32_t slot_row(std::uint64_t slot) noexcept { return static_cast<std::uint32_t>(slot) - 1; }

}  // namespace ndb::segment
