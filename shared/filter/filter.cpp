#include "ndb/filter.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>

#include "shared/base/result.hpp"
#include "shared/filter/refuse.hpp"
#include "shared/payload/payload.hpp"

namespace ndb {
namespace {

using filter::refuse;

/// One spelling per number, so that a filter equals what its JSON form parses to.
FilterValue normalized(FilterValue value) {
  const auto* number = std::get_if<std::uint64_t>(&value);
  if (number != nullptr && *number <= static_cast<std::uint64_t>(INT64_MAX)) return static_cast<std::int64_t>(*number);
  return value;
}

bool is_utf8(const std::string& text) { return simdjson::validate_utf8(text.data(), text.size()); }

/// Walks a tree that may be far larger than allowed (children can be shared), and stops at the first thing wrong.
class Validator {
 public:
  Status check(const Filter& filter, std::uint32_t depth, const std::string& place) {
    using Op = Filter::Op;
    const auto& node = filter.node();
    if (depth > Filter::kMaxDepth) return refuse(place, fmt::format("nests deeper than {} levels", Filter::kMaxDepth));
    size_ += 1 + node.values.size();
    if (size_ > Filter::kMaxNodes)
      return refuse(place, fmt::format("the filter has more than {} conditions and values", Filter::kMaxNodes));
    switch (node.op) {
      case Op::all: return {};
      case Op::or_:
        if (node.children.empty()) return refuse(place, "an empty $or matches nothing; give at least one condition");
        [[fallthrough]];
      case Op::and_:
      case Op::not_: return check_children(node, depth, place);
      default: return check_condition(node, place);
    }
  }

 private:
  Status check_children(const Filter::Node& node, std::uint32_t depth, const std::string& place) {
    if (node.op == Filter::Op::not_) return check(node.children.front(), depth + 1, place + ".$not");
    const std::string prefix = place + (node.op == Filter::Op::or_ ? ".$or[" : ".$and[");
    for (std::size_t i = 0; i < node.children.size(); ++i)
      NDB_TRY(check(node.children[i], depth + 1, fmt::format("{}{}]", prefix, i)));
    return {};
  }

  static Status check_path(const std::string& path, const std::string& place) {
    if (path.empty()) return refuse(place, "a path is empty");
    if (path.front() == '.' || path.back() == '.' || path.find("..") != std::string::npos)
      return refuse(place, fmt::format("the path '{}' has an empty part", path));
    if (path.front() == '$') return refuse(place, fmt::format("the path '{}' begins with $, as operators do", path));
    if (path.find('\0') != std::string::npos) return refuse(place, "a path has a NUL inside");
    if (!is_utf8(path)) return refuse(place, "a path is not valid UTF-8");
    if (static_cast<std::size_t>(std::ranges::count(path, '.')) >= payload::kMaxDepth)
      return refuse(place, fmt::format("a path has more than {} parts", payload::kMaxDepth));
    return {};
  }

  static Status check_condition(const Filter::Node& node, const std::string& place) {
    using Op = Filter::Op;
    NDB_TRY(check_path(node.path, place));
    const std::string at = place + "." + node.path;
    const bool ordering = node.op == Op::lt || node.op == Op::lte || node.op == Op::gt || node.op == Op::gte;
    for (const auto& value : node.values) {
      if (const auto* number = std::get_if<double>(&value); number != nullptr && !std::isfinite(*number))
        return refuse(at, "a number must be finite");
      if (const auto* text = std::get_if<std::string>(&value); text != nullptr && !is_utf8(*text))
        return refuse(at, "a string is not valid UTF-8");
      if (ordering && (std::holds_alternative<bool>(value) || std::holds_alternative<std::nullptr_t>(value)))
        return refuse(at, "$lt, $lte, $gt and $gte need a number or a string");
    }
    return {};
  }

  std::size_t size_ = 0;
};

std::vector<FilterValue> values_of(std::vector<FilterScalar> scalars) {
  std::vector<FilterValue> values;
  values.reserve(scalars.size());
  for (auto& scalar : scalars) values.push_back(normalized(std::move(scalar.value)));
  return values;
}

Filter::Node condition(Filter::Op op, std::string path, FilterScalar value) {
  return {.op = op, .path = std::move(path), .values = {normalized(std::move(value.value))}, .children = {}};
}

bool is_trivial(const Filter& filter) {
  const auto& node = filter.node();
  return node.op == Filter::Op::all || (node.op == Filter::Op::and_ && node.children.empty());
}

}  // namespace

Filter::Filter() {
  static const auto all = std::make_shared<const Node>();
  node_ = all;
}

Filter::Filter(Node node) : node_(std::make_shared<const Node>(std::move(node))) {}

Filter Filter::eq(std::string path, FilterScalar value) {
  return Filter(condition(Op::eq, std::move(path), std::move(value)));
}
Filter Filter::ne(std::string path, FilterScalar value) {
  return Filter(condition(Op::ne, std::move(path), std::move(value)));
}
Filter Filter::lt(std::string path, FilterScalar value) {
  return Filter(condition(Op::lt, std::move(path), std::move(value)));
}
Filter Filter::lte(std::string path, FilterScalar value) {
  return Filter(condition(Op::lte, std::move(path), std::move(value)));
}
Filter Filter::gt(std::string path, FilterScalar value) {
  return Filter(condition(Op::gt, std::move(path), std::move(value)));
}
Filter Filter::gte(std::string path, FilterScalar value) {
  return Filter(condition(Op::gte, std::move(path), std::move(value)));
}
Filter Filter::in_(std::string path, std::vector<FilterScalar> values) {
  return Filter(Node{.op = Op::in, .path = std::move(path), .values = values_of(std::move(values)), .children = {}});
}
Filter Filter::not_in(std::string path, std::vector<FilterScalar> values) {
  return Filter(Node{.op = Op::not_in, .path = std::move(path), .values = values_of(std::move(values)), .children = {}});
}
Filter Filter::exists(std::string path, bool exists) {
  return Filter(Node{.op = Op::exists, .path = std::move(path), .values = {exists}, .children = {}});
}
Filter Filter::and_(std::vector<Filter> children) {
  return Filter(Node{.op = Op::and_, .path = {}, .values = {}, .children = std::move(children)});
}
Filter Filter::or_(std::vector<Filter> children) {
  return Filter(Node{.op = Op::or_, .path = {}, .values = {}, .children = std::move(children)});
}
Filter Filter::not_(Filter child) {
  return Filter(Node{.op = Op::not_, .path = {}, .values = {}, .children = {std::move(child)}});
}

Status Filter::validate(std::string_view field) const { return Validator().check(*this, 1, std::string(field)); }

bool Filter::matches_all() const noexcept {
  return is_trivial(*this) || (node_->op == Op::and_ && std::ranges::all_of(node_->children, is_trivial));
}

}  // namespace ndb
