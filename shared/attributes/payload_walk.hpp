// Finds the fields of payloads and hands their values out: which paths a filter can ask for, and what it would compare there.
// Must agree with the evaluation of filters over payloads (shared/filter/compiled_filter.cpp). Private to shared/attributes.
//
// Threads: one owner.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ndb/collection_config.hpp"
#include "shared/attributes/attribute_format.hpp"
#include "shared/attributes/field_values.hpp"
#include "shared/payload/value.hpp"

namespace ndb::attributes {

/// Fields beyond so many are not told apart: then the index does not know every path.
inline constexpr std::size_t kMaxFields = 1'024;
inline constexpr std::size_t kMaxPathBytes = 1'024;

/// How a pass treats a field.
enum class FieldUse : std::uint8_t {
  collect,  ///< its values are collected in this pass
  later,    ///< in a later pass; its memory was needed
  leave,    ///< never: excluded, or too large
  written   ///< they are in the file
};

struct Field {
  std::string path;
  FieldUse use = FieldUse::collect;
  FieldValues values;
  FieldRecord record{};
};

class PayloadWalk {
 public:
  /// rows: of the segment. excluded: whether a path is left out.
  PayloadWalk(Row rows, std::function<bool(const std::string&)> excluded) : rows_(rows), excluded_(std::move(excluded)) {}

  /// False if these bytes are not what encode() makes: nested too deep, or one element visited again and again.
  [[nodiscard]] bool add(Row row, base::ByteSpan payload);
  [[nodiscard]] std::deque<Field>& fields() noexcept { return fields_; }
  /// Whether every path of the payloads so far is a field.
  [[nodiscard]] bool complete() const noexcept { return complete_; }
  /// From now on fields are known, and their rows are; only values are collected.
  void begin_next_pass() noexcept { first_pass_ = false; }
  /// What the values collected so far take in memory, roughly.
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

 private:
  static constexpr std::uint32_t kNoField = ~std::uint32_t{0};
  struct Node {
    std::uint32_t field = kNoField;
    std::map<std::string, std::uint32_t, std::less<>> members;  // to nodes
  };

  bool visit_object(const payload::Value& object, std::uint32_t node, Row row);
  bool visit_members(const payload::Value& object, std::uint32_t node, Row row);
  bool visit_value(const payload::Value& value, std::uint32_t node, Row row);
  bool visit_element(const payload::Value& element, std::uint32_t node, Row row);
  void add_scalar(const payload::Value& value, std::uint32_t node, Row row);
  std::uint32_t member_of(std::uint32_t node, std::string_view key);

  Row rows_;
  std::function<bool(const std::string&)> excluded_;
  bool first_pass_ = true;
  std::size_t depth_ = 0;
  std::vector<Node> nodes_ = std::vector<Node>(1);  // the root first
  std::deque<Field> fields_;  // stay where they are
  std::size_t budget_ = 0;  // elements that the payload can have
  bool complete_ = true;
};

}  // namespace ndb::attributes
