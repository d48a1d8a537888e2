#include "ndb/filter.hpp"
#include "shared/payload/json_text.hpp"

namespace ndb {
namespace {

using payload::append_json_number;
using payload::append_json_string;

struct ValueWriter {
  std::string& to;
  void operator()(std::nullptr_t) const { to += "null"; }
  void operator()(bool value) const { to += value ? "true" : "false"; }
  void operator()(std::int64_t value) const { append_json_number(to, value); }
  void operator()(std::uint64_t value) const { append_json_number(to, value); }
  void operator()(double value) const { append_json_number(to, value); }
  void operator()(const std::string& value) const { append_json_string(to, value); }
};

std::string_view operator_name(Filter::Op op) {
  switch (op) {
    case Filter::Op::eq: return "$eq";
    case Filter::Op::ne: return "$ne";
    case Filter::Op::lt: return "$lt";
    case Filter::Op::lte: return "$lte";
    case Filter::Op::gt: return "$gt";
    case Filter::Op::gte: return "$gte";
    case Filter::Op::in: return "$in";
    case Filter::Op::not_in: return "$nin";
    case Filter::Op::exists: return "$exists";
    case Filter::Op::and_: return "$and";
    case Filter::Op::or_: return "$or";
    case Filter::Op::not_: return "$not";
    case Filter::Op::all: break;
  }
  return "";
}

template <class Range, class Append>
void append_list(std::string& to, const Range& range, Append append) {
  to += '[';
  bool first = true;
  for (const auto& item : range) {
    if (!first) to += ',';
    first = false;
    append(item);
  }
  to += ']';
}

void append_filter(std::string& to, const Filter& filter);

void append_condition(std::string& to, const Filter::Node& node) {
  append_json_string(to, node.path);
  to += ':';
  const auto append_value = [&](const FilterValue& value) { std::visit(ValueWriter{to}, value); };
  if (node.op == Filter::Op::eq) return append_value(node.values.front());
  to += "{\"";
  to += operator_name(node.op);
  to += "\":";
  if (node.op == Filter::Op::in || node.op == Filter::Op::not_in) append_list(to, node.values, append_value);
  else append_value(node.values.front());
  to += '}';
}

void append_group(std::string& to, const Filter::Node& node) {
  to += '"';
  to += operator_name(node.op);
  to += "\":";
  const auto append = [&](const Filter& child) { append_filter(to, child); };
  if (node.op == Filter::Op::not_) append(node.children.front());
  else append_list(to, node.children, append);
}

void append_filter(std::string& to, const Filter& filter) {
  const auto& node = filter.node();
  to += '{';
  if (node.op == Filter::Op::and_ || node.op == Filter::Op::or_ || node.op == Filter::Op::not_) append_group(to, node);
  else if (node.op != Filter::Op::all) append_condition(to, node);
  to += '}';
}

}  // namespace

std::string Filter::to_json() const {
  std::string text;
  append_filter(text, *this);
  return text;
}

}  // namespace ndb
