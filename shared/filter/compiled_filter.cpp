#include "shared/filter/compiled_filter.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <iterator>

namespace ndb::filter {
namespace {

using Op = Filter::Op;
using payload::Kind;
using payload::Value;

/// Whether some value that a path leads to satisfies `holds`.
template <class Predicate>
class PathSearch {
 public:
  PathSearch(const std::vector<std::string>& path, std::size_t budget, Predicate holds)
      : path_(path), budget_(budget), holds_(holds) {}

  bool any(const Value& from, std::size_t part) {
    if (part == path_.size()) return holds_(from) || any_element(from, holds_);
    if (from.kind() == Kind::object) {
      const Value member = from.find(path_[part].c_str());
      return member.kind() != Kind::invalid && any(member, part + 1);
    }
    return any_element(from, [&](const Value& element) { return element.kind() == Kind::object && any(element, part); });
  }

 private:
  template <class Test>
  bool any_element(const Value& array, Test test) {
    if (array.kind() != Kind::array) return false;
    for (std::size_t i = 0; i < array.size(); ++i) {
      if (budget_ == 0) return false;  // only in damaged payloads, where elements share their bytes
      --budget_;
      if (test(array.at(i))) return true;
    }
    return false;
  }

  const std::vector<std::string>& path_;
  std::size_t budget_;
  Predicate holds_;
};

template <class Predicate>
bool any_value(const CompiledFilter::Node& node, const Value& root, std::size_t budget, Predicate holds) {
  return PathSearch<Predicate>(node.path, budget, holds).any(root, 0);
}

bool is_one_of(const Value& value, const std::vector<Operand>& sorted) {
  const Scalar scalar = Scalar::from(value);
  const auto at = std::ranges::lower_bound(sorted, scalar, sorts_before, &Operand::scalar);
  return at != sorted.end() && std::is_eq(compare(scalar, at->scalar()));
}

bool evaluate(const CompiledFilter::Node& node, const Value& root, std::size_t budget) noexcept {
  const auto test = [&](auto holds) { return any_value(node, root, budget, holds); };
  const auto ordered = [&](auto wanted) {
    const Scalar operand = node.operands.front().scalar();
    return test([&operand, wanted](const Value& value) { return wanted(compare(Scalar::from(value), operand)); });
  };
  const auto child = [&](const CompiledFilter::Node& one) { return evaluate(one, root, budget); };
  switch (node.op) {
    case Op::all: return true;
    case Op::eq: return ordered([](auto order) { return std::is_eq(order); });
    case Op::ne: return !ordered([](auto order) { return std::is_eq(order); });
    case Op::lt: return ordered([](auto order) { return std::is_lt(order); });
    case Op::lte: return ordered([](auto order) { return std::is_lteq(order); });
    case Op::gt: return ordered([](auto order) { return std::is_gt(order); });
    case Op::gte: return ordered([](auto order) { return std::is_gteq(order); });
    case Op::in: return test([&](const Value& value) { return is_one_of(value, node.operands); });
    case Op::not_in: return !test([&](const Value& value) { return is_one_of(value, node.operands); });
    case Op::exists: return test([](const Value&) { return true; }) == node.wanted;
    case Op::and_: return std::ranges::all_of(node.children, child);
    case Op::or_: return std::ranges::any_of(node.children, child);
    case Op::not_: return !child(node.children.front());
  }
  return false;
}

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t start = 0;;) {
    const auto dot = path.find('.', start);
    parts.push_back(path.substr(start, dot - start));
    if (dot == std::string::npos) return parts;
    start = dot + 1;
  }
}

CompiledFilter::Node compile(const Filter& filter) {
  const auto& from = filter.node();
  CompiledFilter::Node node;
  node.op = filter.matches_all() ? Op::all : from.op;
  if (node.op == Op::all) return node;
  node.field = from.path;
  if (!from.path.empty()) node.path = split(from.path);
  if (node.op == Op::exists) node.wanted = from.values.empty() || std::get<bool>(from.values.front());
  else std::ranges::transform(from.values, std::back_inserter(node.operands), Operand::from);
  std::ranges::sort(node.operands, sorts_before, &Operand::scalar);
  std::ranges::transform(from.children, std::back_inserter(node.children), compile);
  return node;
}

// Numbers and lengths as they stand in memory: a key is compared in this process only.
template <class T>
void append_value(T value, std::string& key) {
  const auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
  key.append(bytes.data(), bytes.size());
}

void append_text(std::string_view text, std::string& key) {
  append_value(text.size(), key);
  key += text;
}

void append_node(const CompiledFilter::Node& node, std::string& key) {
  if (key.size() > CompiledFilter::kLongestKey) return;
  append_value(node.op, key);
  append_value(node.wanted, key);
  append_text(node.field, key);
  append_value(node.operands.size(), key);
  for (const Operand& operand : node.operands) {
    append_value(operand.kind, key);
    append_value(operand.bits, key);
    append_text(operand.text, key);
    if (key.size() > CompiledFilter::kLongestKey) return;
  }
  append_value(node.children.size(), key);
  for (const auto& child : node.children) append_node(child, key);
}

}  // namespace

CompiledFilter::CompiledFilter(const Filter& filter) : root_(compile(filter)) {
  append_node(root_, key_);
  if (key_.size() > kLongestKey) key_ = {};
}

bool CompiledFilter::matches(base::ByteSpan flexbuffers) const noexcept {
  return matches(root_, flexbuffers);
}

bool CompiledFilter::matches(const Node& node, base::ByteSpan flexbuffers) noexcept {
  return evaluate(node, Value::root(flexbuffers), flexbuffers.size());
}

bool matches(const Filter& filter, base::ByteSpan flexbuffers) { return CompiledFilter(filter).matches(flexbuffers); }

}  // namespace ndb::filter
