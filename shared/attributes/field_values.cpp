#include "shared/attributes/field_values.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "shared/attributes/attribute_format.hpp"

namespace ndb::attributes {

using payload::Kind;

void FieldValues::add(const filter::Scalar& scalar, Row row) {
  // Compares with nothing, so no filter asks for it; encode() makes none.
  if (scalar.kind == Kind::float64 && std::isnan(std::bit_cast<double>(scalar.bits))) return;
  std::uint64_t bits = scalar.bits;
  if (scalar.kind == Kind::boolean) bits = bits != 0 ? 1 : 0;
  if (scalar.kind == Kind::string) {
    auto known = numbers_.find(scalar.text);
    if (known == numbers_.end()) {
      strings_.emplace_back(scalar.text);
      text_bytes_ += scalar.text.size();
      known = numbers_.emplace(strings_.back(), static_cast<std::uint32_t>(strings_.size() - 1)).first;
    }
    bits = known->second;
  }
  entries_.push_back({bits, row, scalar.kind});
}

std::uint64_t FieldValues::memory_bytes() const noexcept {
  constexpr std::uint64_t kStringOverhead = 96;  // of the deque, the string and the map
  return entries_.size() * sizeof(Entry) + text_bytes_ + strings_.size() * kStringOverhead;
}

std::uint64_t FieldValues::file_bytes() const noexcept {
  constexpr std::uint64_t kEntryBytes = sizeof(Row) + 4;  // its row, and its part of bitmaps
  const bool strings_only = !strings_.empty();
  const std::uint64_t values = strings_only ? strings_.size() : entries_.size();
  return text_bytes_ + values * sizeof(ValueRecord) + entries_.size() * kEntryBytes;
}

// Numbers of strings become their ranks, so that sorting compares integers.
void FieldValues::rank_strings() {
  std::vector<std::uint32_t> order(strings_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t i) -> const std::string& { return strings_[i]; });
  std::vector<std::uint32_t> ranks(order.size());
  std::deque<std::string> sorted;
  for (std::uint32_t rank = 0; rank < order.size(); ++rank) {
    ranks[order[rank]] = rank;
    sorted.push_back(std::move(strings_[order[rank]]));
  }
  for (auto& entry : entries_)
    if (entry.kind == Kind::string) entry.bits = ranks[entry.bits];
  strings_ = std::move(sorted);
  numbers_.clear();
}

void FieldValues::sort() {
  rank_strings();
  const auto before = [&](const Entry& left, const Entry& right) {
    if (left.kind == Kind::string && right.kind == Kind::string) return left.bits < right.bits;
    return filter::sorts_before(scalar(left), scalar(right));
  };
  std::ranges::stable_sort(entries_, before);
  const auto twice = std::ranges::unique(
      entries_, [&](const Entry& left, const Entry& right) { return left.row == right.row && same_value(left, right); });
  entries_.erase(twice.begin(), twice.end());
}

filter::Scalar FieldValues::scalar(const Entry& entry) const noexcept {
  if (entry.kind != Kind::string) return {entry.kind, entry.bits, {}};
  return {entry.kind, 0, strings_[entry.bits]};
}

bool FieldValues::same_value(const Entry& left, const Entry& right) const noexcept {
  if (left.kind == Kind::string || right.kind == Kind::string) return left.kind == right.kind && left.bits == right.bits;
  return std::is_eq(filter::compare(scalar(left), scalar(right)));
}

void FieldValues::drop_values() {
  entries_ = {};
  strings_ = {};
  numbers_ = {};
  text_bytes_ = 0;
}

}  // namespace ndb::attributes
