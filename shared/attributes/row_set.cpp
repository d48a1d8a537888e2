#include "shared/attributes/row_set.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "shared/attributes/attribute_format.hpp"

namespace ndb::attributes {
namespace {

Row count_bits(std::span<const std::uint64_t> words) {
  std::size_t count = 0;
  for (const auto word : words) count += static_cast<std::size_t>(std::popcount(word));
  return static_cast<Row>(count);
}

void set_bit(std::span<std::uint64_t> words, Row row) { words[row >> 6] |= std::uint64_t{1} << (row & 63); }

bool has_bit(std::span<const std::uint64_t> words, Row row) { return (words[row >> 6] >> (row & 63) & 1U) != 0; }

// Few against many: a search for each of the few is cheaper than a pass over both.
constexpr std::size_t kSkewed = 32;

// More rows than one of so many are sorted faster by setting bits.
constexpr Row kRowsPerSorted = 1'024;

std::vector<Row> common_rows(std::span<const Row> few, std::span<const Row> many) {
  std::vector<Row> common;
  if (few.size() > many.size()) std::swap(few, many);
  if (few.size() * kSkewed > many.size()) {
    std::ranges::set_intersection(few, many, std::back_inserter(common));
    return common;
  }
  auto from = many.begin();
  for (const Row row : few) {
    from = std::lower_bound(from, many.end(), row);
    if (from != many.end() && *from == row) common.push_back(row);
  }
  return common;
}

}  // namespace

RowSet RowSet::all(Row universe) {
  std::vector<std::uint64_t> words(bitmap_words(universe), ~std::uint64_t{0});
  if (universe % 64 != 0) words.back() = (std::uint64_t{1} << (universe % 64)) - 1;
  RowSet set(universe);
  set.count_ = universe;
  set.bitmap_ = true;
  set.own_words_ = std::move(words);
  return set;
}

RowSet RowSet::of_list(std::vector<Row> rows, Row universe) {
  RowSet set(universe);
  set.count_ = static_cast<Row>(rows.size());
  set.own_list_ = std::move(rows);
  return set;
}

RowSet RowSet::borrow_list(std::span<const Row> rows, Row universe) {
  RowSet set(universe);
  set.count_ = static_cast<Row>(rows.size());
  set.list_ = rows;
  return set;
}

RowSet RowSet::of_bits(std::vector<std::uint64_t> words, Row universe) {
  RowSet set(universe);
  set.count_ = count_bits(words);
  set.bitmap_ = true;
  set.own_words_ = std::move(words);
  if (set.count_ >= bitmap_threshold(universe)) return set;
  return of_list(set.to_list(), universe);
}

RowSet RowSet::borrow_bits(std::span<const std::uint64_t> words, Row count, Row universe) {
  RowSet set(universe);
  set.count_ = count;
  set.bitmap_ = true;
  set.words_ = words;
  return set;
}

bool RowSet::contains(Row row) const noexcept {
  if (bitmap_) return row < universe_ && has_bit(words(), row);
  const auto rows = list();
  return std::ranges::binary_search(rows, row);
}

std::vector<Row> RowSet::to_list() const {
  std::vector<Row> rows;
  rows.reserve(count_);
  for_each([&](Row row) { rows.push_back(row); });
  return rows;
}

std::vector<std::uint64_t> RowSet::to_words() const {
  if (bitmap_) return {words().begin(), words().end()};
  std::vector<std::uint64_t> bits(bitmap_words(universe_));
  for (const Row row : list()) set_bit(bits, row);
  return bits;
}

RowSet RowSet::intersection(const RowSet& left, const RowSet& right) {
  if (!left.bitmap_ && !right.bitmap_) return of_list(common_rows(left.list(), right.list()), left.universe_);
  if (!left.bitmap_) return left.filtered([&](Row row) { return right.contains(row); });
  if (!right.bitmap_) return right.filtered([&](Row row) { return left.contains(row); });
  auto words = left.to_words();
  const auto others = right.words();
  for (std::size_t i = 0; i < words.size(); ++i) words[i] &= others[i];
  return of_bits(std::move(words), left.universe_);
}

RowSet RowSet::difference(const RowSet& left, const RowSet& right) {
  if (!left.bitmap_) return left.filtered([&](Row row) { return !right.contains(row); });
  auto words = left.to_words();
  if (right.bitmap_) {
    const auto others = right.words();
    for (std::size_t i = 0; i < words.size(); ++i) words[i] &= ~others[i];
  } else {
    for (const Row row : right.list()) words[row >> 6] &= ~(std::uint64_t{1} << (row & 63));
  }
  return of_bits(std::move(words), left.universe_);
}

void RowUnion::become_bitmap() {
  words_.resize(bitmap_words(universe_));
  for (const Row row : rows_) set_bit(words_, row);
  rows_.clear();
}

void RowUnion::add_list(std::span<const Row> rows) {
  if (words_.empty() && rows_.size() + rows.size() > universe_ / kRowsPerSorted + 16) become_bitmap();
  for (const Row row : rows) {
    if (row >= universe_) continue;
    if (words_.empty()) rows_.push_back(row);
    else set_bit(words_, row);
  }
}

void RowUnion::add_words(std::span<const std::uint64_t> words) {
  if (words_.empty()) become_bitmap();
  for (std::size_t i = 0; i < std::min(words.size(), words_.size()); ++i) words_[i] |= words[i];
}

void RowUnion::add_difference(std::span<const std::uint64_t> words, std::span<const std::uint64_t> without) {
  if (without.empty()) return add_words(words);
  if (words_.empty()) become_bitmap();
  for (std::size_t i = 0; i < std::min({words.size(), without.size(), words_.size()}); ++i) words_[i] |= words[i] & ~without[i];
}

void RowUnion::add(const RowSet& set) {
  if (set.is_bitmap()) add_words(set.words());
  else add_list(set.list());
}

RowSet RowUnion::take() {
  if (!words_.empty()) return RowSet::of_bits(std::move(words_), universe_);
  std::ranges::sort(rows_);
  const auto twice = std::ranges::unique(rows_);
  rows_.erase(twice.begin(), twice.end());
  return RowSet::of_list(std::move(rows_), universe_);
}

}  // namespace ndb::attributes
