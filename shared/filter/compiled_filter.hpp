// A filter made ready to be evaluated over many payloads: paths split, operands sorted, nothing allocated per payload.
//
// Threads: immutable after construction; matches() may be called from any number of threads.
// Invariants: `in` and `not_in` hold their operands sorted. Safe for any payload bytes: what is damaged
// reads as absent, and no more elements are visited per condition than the payload has bytes.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ndb/filter.hpp"
#include "shared/base/bytes.hpp"
#include "shared/payload/value.hpp"

namespace ndb::filter {

/// A JSON scalar, or something else that compares with nothing.
struct Scalar {
  payload::Kind kind = payload::Kind::invalid;
  std::uint64_t bits = 0;  ///< bool, int64, uint64, or the bits of a double
  std::string_view text;

  [[nodiscard]] static Scalar from(const payload::Value& value) noexcept;
};

/// Exact for numbers of any two types; unordered if the types differ or one is no scalar.
[[nodiscard]] std::partial_ordering compare(const Scalar& left, const Scalar& right) noexcept;
/// Where scalars of this kind stand among those of other types; numbers are one type. Greatest for what is no scalar.
[[nodiscard]] int type_order(payload::Kind kind) noexcept;
/// A total order of scalars for sorting: by type, then as compare() has it.
[[nodiscard]] bool sorts_before(const Scalar& left, const Scalar& right) noexcept;

/// A scalar that owns its text.
struct Operand {
  payload::Kind kind = payload::Kind::null;
  std::uint64_t bits = 0;
  std::string text;

  [[nodiscard]] static Operand from(const FilterValue& value);
  [[nodiscard]] Scalar scalar() const noexcept { return {kind, bits, text}; }
};

class CompiledFilter {
 public:
  /// Matches everything.
  CompiledFilter() = default;
  /// `filter` must have passed validate().
  explicit CompiledFilter(const Filter& filter);

  /// Whether a document with this payload (FlexBuffers; empty for none, which is like an object without fields) matches.
  [[nodiscard]] bool matches(base::ByteSpan flexbuffers) const noexcept;
  [[nodiscard]] bool matches_all() const noexcept { return root_.op == Filter::Op::all; }
  /// Equal for filters that let the same through because they are written alike, and for no others; empty for filters longer than kLongestKey.
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  static constexpr std::size_t kLongestKey = 4096;

  struct Node {
    Filter::Op op = Filter::Op::all;
    bool wanted = true;             ///< for exists
    std::string field;              ///< the dotted path, for conditions
    std::vector<std::string> path;  ///< the same, split: at least one part
    std::vector<Operand> operands;
    std::vector<Node> children;
  };

  [[nodiscard]] const Node& root() const noexcept { return root_; }
  /// The same of a part of a filter.
  [[nodiscard]] static bool matches(const Node& node, base::ByteSpan flexbuffers) noexcept;

 private:
  Node root_;
  std::string key_;
};

/// One payload, once. Compile the filter where there are many.
[[nodiscard]] bool matches(const Filter& filter, base::ByteSpan flexbuffers);

}  // namespace ndb::filter
