#include "shared/filter/compiled_filter.hpp"

#include <bit>
#include <type_traits>
#include <variant>

namespace ndb::filter {
namespace {

using payload::Kind;

/// Exact: neither side is rounded to the type of the other.
template <class Integer>
std::partial_ordering compare_with_double(Integer left, double right) noexcept {
  constexpr double low = std::is_signed_v<Integer> ? -0x1p63 : 0.0;
  constexpr double high = std::is_signed_v<Integer> ? 0x1p63 : 0x1p64;
  if (right != right) return std::partial_ordering::unordered;
  if (right < low) return std::partial_ordering::greater;
  if (right >= high) return std::partial_ordering::less;
  const auto whole = static_cast<Integer>(right);  // in range; the fraction is cut off towards zero
  if (left != whole) return left <=> whole;
  return 0.0 <=> right - static_cast<double>(whole);
}

std::partial_ordering reversed(std::partial_ordering order) noexcept { return 0 <=> order; }

std::int64_t signed_of(const Scalar& scalar) noexcept { return static_cast<std::int64_t>(scalar.bits); }
double double_of(const Scalar& scalar) noexcept { return std::bit_cast<double>(scalar.bits); }

std::partial_ordering compare_integers(const Scalar& left, const Scalar& right) noexcept {
  const bool left_negative = left.kind == Kind::int64 && signed_of(left) < 0;
  const bool right_negative = right.kind == Kind::int64 && signed_of(right) < 0;
  if (left_negative != right_negative) return right_negative <=> left_negative;
  return left.bits <=> right.bits;  // also right for two negative ones: two's complement keeps their order
}

std::partial_ordering compare_numbers(const Scalar& left, const Scalar& right) noexcept {
  if (left.kind != Kind::float64 && right.kind != Kind::float64) return compare_integers(left, right);
  if (left.kind == right.kind) return double_of(left) <=> double_of(right);
  if (left.kind == Kind::float64) return reversed(compare_numbers(right, left));
  if (left.kind == Kind::int64) return compare_with_double(signed_of(left), double_of(right));
  return compare_with_double(left.bits, double_of(right));
}

enum class Class { null, boolean, number, string, none };

Class class_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::null: return Class::null;
    case Kind::boolean: return Class::boolean;
    case Kind::int64:
    case Kind::uint64:
    case Kind::float64: return Class::number;
    case Kind::string: return Class::string;
    default: return Class::none;
  }
}

}  // namespace

Operand Operand::from(const FilterValue& value) {
  struct Visitor {
    Operand operator()(std::nullptr_t) const { return {}; }
    Operand operator()(bool b) const { return {Kind::boolean, b ? 1U : 0U, {}}; }
    Operand operator()(std::int64_t i) const { return {Kind::int64, static_cast<std::uint64_t>(i), {}}; }
    Operand operator()(std::uint64_t u) const { return {Kind::uint64, u, {}}; }
    Operand operator()(double d) const { return {Kind::float64, std::bit_cast<std::uint64_t>(d), {}}; }
    Operand operator()(const std::string& value_text) const { return {Kind::string, 0, value_text}; }
  };
  return std::visit(Visitor{}, value);
}

Scalar Scalar::from(const payload::Value& value) noexcept {
  const Kind kind = value.kind();
  if (kind == Kind::string) return {kind, 0, value.as_string()};
  return {class_of(kind) == Class::none ? Kind::invalid : kind, value.as_uint64(), {}};
}

std::partial_ordering compare(const Scalar& left, const Scalar& right) noexcept {
  const Class type = class_of(left.kind);
  if (type != class_of(right.kind)) return std::partial_ordering::unordered;
  switch (type) {
    case Class::null: return std::partial_ordering::equivalent;
    case Class::boolean: return (left.bits != 0) <=> (right.bits != 0);
    case Class::number: return compare_numbers(left, right);
    case Class::string: return left.text <=> right.text;
    case Class::none: break;
  }
  return std::partial_ordering::unordered;
}

int type_order(Kind kind) noexcept { return static_cast<int>(class_of(kind)); }

bool sorts_before(const Scalar& left, const Scalar& right) noexcept {
  const Class left_class = class_of(left.kind);
  const Class right_class = class_of(right.kind);
  return left_class != right_class ? left_class < right_class : std::is_lt(compare(left, right));
}

}  // namespace ndb::filter
