#include "shared/attributes/payload_walk.hpp"

#include "shared/payload/payload.hpp"

namespace ndb::attributes {

using payload::Kind;
using payload::Value;

bool PayloadWalk::add(Row row, base::ByteSpan payload) {
  budget_ = payload.size();
  depth_ = 0;
  const Value root = Value::root(payload);
  if (root.kind() == Kind::object) return visit_object(root, 0, row);
  if (root.kind() != Kind::array) return true;
  for (std::size_t i = 0; i < root.size(); ++i)
    if (const Value element = root.at(i); element.kind() == Kind::object && !visit_object(element, 0, row)) return false;
  return true;
}

bool PayloadWalk::visit_object(const Value& object, std::uint32_t node, Row row) {
  if (depth_ == payload::kMaxDepth) return false;
  ++depth_;
  const bool good = visit_members(object, node, row);
  --depth_;
  return good;
}

bool PayloadWalk::visit_members(const Value& object, std::uint32_t node, Row row) {
  for (std::size_t i = 0; i < object.size(); ++i) {
    if (budget_ == 0) return false;
    --budget_;
    const auto key = object.key_at(i);
    if (key.data() == nullptr || key.find('.') != std::string_view::npos) continue;  // a path cannot name it
    const std::uint32_t member = member_of(node, key);
    if (member == 0) continue;
    if (!visit_value(object.at(i), member, row)) return false;
  }
  return true;
}

bool PayloadWalk::visit_value(const Value& value, std::uint32_t node, Row row) {
  if (value.kind() == Kind::invalid) return true;
  if (first_pass_) fields_[nodes_[node].field].values.add_row(row);
  if (value.kind() == Kind::object) return visit_object(value, node, row);
  if (value.kind() != Kind::array) {
    add_scalar(value, node, row);
    return true;
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (budget_ == 0) return false;
    --budget_;
    if (!visit_element(value.at(i), node, row)) return false;
  }
  return true;
}

// Of an array: an array inside it is no value, and nothing leads into it.
bool PayloadWalk::visit_element(const Value& element, std::uint32_t node, Row row) {
  if (element.kind() == Kind::object) return visit_object(element, node, row);
  if (element.kind() != Kind::array && element.kind() != Kind::invalid) add_scalar(element, node, row);
  return true;
}

void PayloadWalk::add_scalar(const Value& value, std::uint32_t node, Row row) {
  Field& field = fields_[nodes_[node].field];
  if (field.use == FieldUse::collect) field.values.add(filter::Scalar::from(value), row);
}

// 0, the root, which is no member: there are too many fields already.
std::uint32_t PayloadWalk::member_of(std::uint32_t node, std::string_view key) {
  auto& members = nodes_[node].members;
  if (const auto known = members.find(key); known != members.end()) return known->second;
  std::string path = node == 0 ? std::string(key) : fields_[nodes_[node].field].path + '.' + std::string(key);
  if (fields_.size() >= kMaxFields || path.size() > kMaxPathBytes) {
    complete_ = false;
    return 0;
  }
  const auto number = static_cast<std::uint32_t>(nodes_.size());
  members.emplace(key, number);
  const FieldUse use = excluded_(path) ? FieldUse::leave : FieldUse::collect;
  fields_.push_back({.path = std::move(path), .use = use, .values = FieldValues(rows_), .record = {}});
  nodes_.push_back({.field = static_cast<std::uint32_t>(fields_.size() - 1), .members = {}});
  return number;
}

std::uint64_t PayloadWalk::memory_bytes() const noexcept {
  std::uint64_t bytes = 0;
  for (const auto& field : fields_) bytes += field.values.memory_bytes();
  return bytes;
}

}  // namespace ndb::attributes
