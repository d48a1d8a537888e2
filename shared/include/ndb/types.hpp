// The strong integer types of nDB. Each is an aggregate around one integer: Seq{5}, seq.value. Plain values.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace ndb {

template <class Tag, class Rep>
struct Strong {
  Rep value{};

  [[nodiscard]] constexpr Strong next() const noexcept { return Strong{static_cast<Rep>(value + 1)}; }
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
};

/// Sequence number of one write operation: dense, starting at 1, never reused for an acknowledged write. 0 is "before all".
using Seq = Strong<struct SeqTag, std::uint64_t>;
/// Reign of one writer over a collection; grows by one at each take-over.
using Epoch = Strong<struct EpochTag, std::uint64_t>;
/// Version of a manifest; grows by one at each publish.
using ManifestVersion = Strong<struct ManifestVersionTag, std::uint64_t>;
/// Name of an immutable segment; never reused within a collection.
using SegmentId = Strong<struct SegmentIdTag, std::uint64_t>;
/// Row number inside one segment or memtable.
using Row = std::uint32_t;

}  // namespace ndb

template <class Tag, class Rep>
struct std::hash<ndb::Strong<Tag, Rep>> {
  std::size_t operator()(const ndb::Strong<Tag, Rep>& strong) const noexcept { return std::hash<Rep>{}(strong.value); }
};
