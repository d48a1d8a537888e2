#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ndb/collection_config.hpp"
#include "ndb/filter.hpp"
#include "shared/base/result.hpp"
#include "shared/filter/refuse.hpp"
#include "shared/payload/json_document.hpp"

namespace ndb {
namespace {

using filter::refuse;
namespace dom = simdjson::dom;
using Op = Filter::Op;

// Each level of a filter takes at most an object and an array; a condition adds an object and a list.
constexpr std::size_t kMaxJsonDepth = 2 * (Filter::kMaxDepth + 2);
constexpr std::size_t kMaxTextBytes = Limits::kMaxPayloadBytes;

struct Comparison {
  std::string_view name;
  Filter (*make)(std::string, FilterScalar);
};
constexpr std::array<Comparison, 6> kComparisons{{{"$eq", &Filter::eq},
                                                  {"$ne", &Filter::ne},
                                                  {"$lt", &Filter::lt},
                                                  {"$lte", &Filter::lte},
                                                  {"$gt", &Filter::gt},
                                                  {"$gte", &Filter::gte}}};

Result<FilterScalar> parse_scalar(const dom::element& element, const std::string& place) {
  switch (element.type()) {
    case dom::element_type::NULL_VALUE: return FilterScalar(nullptr);
    case dom::element_type::BOOL: return FilterScalar(element.get_bool().value_unsafe());
    case dom::element_type::INT64: return FilterScalar(element.get_int64().value_unsafe());
    case dom::element_type::UINT64: return FilterScalar(element.get_uint64().value_unsafe());
    case dom::element_type::DOUBLE: return FilterScalar(element.get_double().value_unsafe());
    case dom::element_type::STRING: return FilterScalar(std::string_view(element.get_string().value_unsafe()));
    default: return refuse(place, "must be a string, a number, true, false or null");
  }
}

Result<std::vector<FilterScalar>> parse_scalars(const dom::element& element, const std::string& place) {
  if (!element.is_array()) return refuse(place, "must be an array");
  std::vector<FilterScalar> values;
  const dom::array array = element.get_array().value_unsafe();
  std::size_t i = 0;
  for (const auto item : array) {
    NDB_TRY_ASSIGN(auto value, parse_scalar(item, fmt::format("{}[{}]", place, i++)));
    values.push_back(std::move(value));
  }
  return values;
}

/// {"$gte": 1}: one operator of a condition on `path`.
Result<Filter> parse_operator(std::string path, std::string_view name, const dom::element& operand,
                              const std::string& place) {
  for (const auto& comparison : kComparisons) {
    if (comparison.name != name) continue;
    NDB_TRY_ASSIGN(auto value, parse_scalar(operand, place));
    return comparison.make(std::move(path), std::move(value));
  }
  if (name == "$in" || name == "$nin") {
    NDB_TRY_ASSIGN(auto values, parse_scalars(operand, place));
    return (name == "$in" ? Filter::in_ : Filter::not_in)(std::move(path), std::move(values));
  }
  if (name == "$exists") {
    if (!operand.is_bool()) return refuse(place, "must be true or false");
    return Filter::exists(std::move(path), operand.get_bool().value_unsafe());
  }
  if (!name.starts_with('$'))
    return refuse(place, "an object is no value to compare with; reach into objects by a dotted path");
  return refuse(place, "unknown operator; there are $eq $ne $lt $lte $gt $gte $in $nin $exists");
}

/// Appends the conditions of one path: a value, or an object of operators.
Status parse_condition(std::string_view path, const dom::element& element, const std::string& place,
                       std::vector<Filter>& into) {
  if (element.is_array()) return refuse(place, "an array is no value to compare with; use $in for one of several values");
  if (!element.is_object()) {
    NDB_TRY_ASSIGN(auto value, parse_scalar(element, place));
    into.push_back(Filter::eq(std::string(path), std::move(value)));
    return {};
  }
  const dom::object object = element.get_object().value_unsafe();
  if (object.size() == 0) return refuse(place, "the condition is empty; give a value or an operator such as $gte");
  for (const auto member : object) {
    NDB_TRY_ASSIGN(auto filter, parse_operator(std::string(path), member.key, member.value,
                                               fmt::format("{}.{}", place, member.key)));
    into.push_back(std::move(filter));
  }
  return {};
}

Status check_distinct_keys(const dom::object& object, const std::string& place) {
  std::vector<std::string_view> keys;
  for (const auto member : object) keys.push_back(member.key);
  std::ranges::sort(keys);
  const auto twice = std::ranges::adjacent_find(keys);
  if (twice == keys.end()) return {};
  return refuse(fmt::format("{}.{}", place, *twice), "is given twice; combine conditions with $and");
}

Result<Filter> parse_filter(const dom::element& element, std::uint32_t depth, const std::string& place);

Result<std::vector<Filter>> parse_list(const dom::element& element, std::uint32_t depth, const std::string& place) {
  if (!element.is_array()) return refuse(place, "must be an array of filters");
  const dom::array array = element.get_array().value_unsafe();
  std::vector<Filter> filters;
  for (const auto item : array) {
    NDB_TRY_ASSIGN(auto filter, parse_filter(item, depth + 1, fmt::format("{}[{}]", place, filters.size())));
    filters.push_back(std::move(filter));
  }
  return filters;
}

Status parse_member(std::string_view key, const dom::element& value, std::uint32_t depth, const std::string& place,
                    std::vector<Filter>& into) {
  if (!key.starts_with('$')) {
    if (value.is_object()) NDB_TRY(check_distinct_keys(value.get_object().value_unsafe(), place));
    return parse_condition(key, value, place, into);
  }
  if (key == "$and" || key == "$or") {
    NDB_TRY_ASSIGN(auto filters, parse_list(value, depth, place));
    into.push_back((key == "$and" ? Filter::and_ : Filter::or_)(std::move(filters)));
    return {};
  }
  if (key != "$not") return refuse(place, "unknown operator; there are $and $or $not, or give a field");
  NDB_TRY_ASSIGN(auto child, parse_filter(value, depth + 1, place));
  into.push_back(Filter::not_(std::move(child)));
  return {};
}

/// An object: all its members must hold.
Result<Filter> parse_filter(const dom::element& element, std::uint32_t depth, const std::string& place) {
  if (!element.is_object()) return refuse(place, "must be an object");
  if (depth > Filter::kMaxDepth) return refuse(place, fmt::format("nests deeper than {} levels", Filter::kMaxDepth));
  const dom::object object = element.get_object().value_unsafe();
  NDB_TRY(check_distinct_keys(object, place));
  std::vector<Filter> filters;
  for (const auto member : object)
    NDB_TRY(parse_member(member.key, member.value, depth, fmt::format("{}.{}", place, member.key), filters));
  if (filters.empty()) return Filter();
  if (filters.size() == 1) return filters.front();
  return Filter::and_(std::move(filters));
}

}  // namespace

Result<Filter> Filter::from_json(std::string_view json, std::string_view field) {
  if (json.size() > kMaxTextBytes)
    return refuse(std::string(field), fmt::format("has {} bytes; the limit is {}", json.size(), kMaxTextBytes));
  NDB_TRY_ASSIGN(const auto document, payload::JsonDocument::parse(json, kMaxJsonDepth, field));
  NDB_TRY_ASSIGN(auto filter, parse_filter(document.root(), 1, std::string(field)));
  NDB_TRY(filter.validate(field));
  return filter;
}

}  // namespace ndb
