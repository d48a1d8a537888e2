// Conditions over payloads. A Filter is an immutable tree, cheap to copy, safe to share between threads.
//
// Semantics (the same over JSON and in every binding):
//   - a dotted path reaches into objects; on an array a condition holds if any element satisfies it
//     (ne and not_in: if none is equal);
//   - ne, not_in and not_ also match documents without the field; exists is true for null;
//   - numbers compare as numbers (3 = 3.0), otherwise types never convert; strings order by bytes;
//   - an empty and_ matches all; an empty or_ is refused.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ndb/error.hpp"

namespace ndb {

/// A JSON scalar.
using FilterValue = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string>;

/// Makes a FilterValue from what people write: 3, 3.5, true, "x", nullptr.
struct FilterScalar {
  FilterValue value;
  FilterScalar(std::nullptr_t) : value(nullptr) {}                               // NOLINT: implicit by design
  FilterScalar(const char* text) : value(std::string(text)) {}                   // NOLINT
  FilterScalar(std::string text) : value(std::move(text)) {}                     // NOLINT
  FilterScalar(std::string_view text) : value(std::string(text)) {}              // NOLINT
  template <class T>
    requires std::is_arithmetic_v<T>
  FilterScalar(T number) {                                                       // NOLINT
    if constexpr (std::is_same_v<T, bool>) value = number;
    else if constexpr (std::is_floating_point_v<T>) value = static_cast<double>(number);
    else if constexpr (std::is_signed_v<T>) value = static_cast<std::int64_t>(number);
    else value = static_cast<std::uint64_t>(number);
  }
};

class Filter {
 public:
  enum class Op : std::uint8_t { all, eq, ne, lt, lte, gt, gte, in, not_in, exists, and_, or_, not_ };

  /// One node of the tree. `all` matches everything.
  struct Node {
    Op op = Op::all;
    std::string path;                 ///< dotted; for comparisons, in, not_in, exists
    std::vector<FilterValue> values;  ///< one for comparisons and exists (a bool); any number for in and not_in
    std::vector<Filter> children;     ///< for and_, or_; one for not_
  };

  static constexpr std::uint32_t kMaxDepth = 32;
  static constexpr std::uint32_t kMaxNodes = 4096;  ///< nodes and values together

  /// Matches every document.
  Filter();

  [[nodiscard]] static Filter eq(std::string path, FilterScalar value);
  [[nodiscard]] static Filter ne(std::string path, FilterScalar value);
  [[nodiscard]] static Filter lt(std::string path, FilterScalar value);
  [[nodiscard]] static Filter lte(std::string path, FilterScalar value);
  [[nodiscard]] static Filter gt(std::string path, FilterScalar value);
  [[nodiscard]] static Filter gte(std::string path, FilterScalar value);
  [[nodiscard]] static Filter in_(std::string path, std::vector<FilterScalar> values);
  [[nodiscard]] static Filter not_in(std::string path, std::vector<FilterScalar> values);
  [[nodiscard]] static Filter exists(std::string path, bool exists = true);
  [[nodiscard]] static Filter and_(std::vector<Filter> children);
  [[nodiscard]] static Filter or_(std::vector<Filter> children);
  [[nodiscard]] static Filter not_(Filter child);

  friend Filter operator&&(const Filter& left, const Filter& right) { return and_({left, right}); }
  friend Filter operator||(const Filter& left, const Filter& right) { return or_({left, right}); }
  friend Filter operator!(const Filter& child) { return not_(child); }

  /// Parses the JSON form, e.g. {"source":"wiki","year":{"$gte":2020}}. invalid_argument names the place under `field`
  /// ("filter.year.$foo").
  [[nodiscard]] static Result<Filter> from_json(std::string_view json, std::string_view field = "filter");
  /// The JSON form; from_json(to_json()) is the same filter.
  [[nodiscard]] std::string to_json() const;

  /// invalid_argument if the tree is too deep or too large, has an empty or_, an empty path or an unordered operand.
  [[nodiscard]] Status validate(std::string_view field = "filter") const;
  [[nodiscard]] bool matches_all() const noexcept;
  [[nodiscard]] const Node& node() const noexcept { return *node_; }

 private:
  explicit Filter(Node node);
  std::shared_ptr<const Node> node_;
};

}  // namespace ndb
