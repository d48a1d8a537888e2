#include "reader/part_rows.hpp"

#include <algorithm>

namespace ndb::reader {
namespace {

using attributes::EvaluatedFilter;
using attributes::FilterRows;
using attributes::RowSet;

std::vector<Row> spread_of_bits(std::span<const std::uint64_t> words, std::size_t most) {
  const auto set = [](std::uint64_t word) { return word != 0; };
  const auto first = std::ranges::find_if(words, set);
  if (first == words.end()) return {};
  const auto last = std::find_if(words.rbegin(), words.rend(), set).base();
  const auto begin = static_cast<std::size_t>(first - words.begin()), end = static_cast<std::size_t>(last - words.begin());
  std::vector<Row> rows;
  std::size_t word = begin;
  for (std::size_t i = 0; i < most && word < end; ++i) {
    word = std::max(word, begin + (end - begin) * i / most);
    while (word < end && words[word] == 0) ++word;
    if (word < end) rows.push_back(static_cast<Row>(word * 64 + static_cast<unsigned>(std::countr_zero(words[word]))));
    ++word;
  }
  return rows;
}

}  // namespace

FilterRows filter_rows(const Part& part, const filter::CompiledFilter& filter) {
  const auto& view = *part.segment()->view;
  return {filter, view.attributes(), part.rows(), [&view](Row row) { return view.payload(row); }};
}

PartRows evaluate(const Part& part, const filter::CompiledFilter& filter, const FilterRows& rows) {
  if (auto known = part.segment()->filters->find(filter.key())) return known;
  auto evaluated = std::make_shared<const EvaluatedFilter>(rows.evaluate(), static_cast<std::uint64_t>(rows.estimate() + 0.5));
  // What damaged bytes let through is for this query, which will fail, and for no other.
  if (!filter.key().empty() && part.segment()->view->damage()) part.segment()->filters->keep(filter.key(), evaluated);
  return evaluated;
}

PartRows rows_by_index(const Part& part, const filter::CompiledFilter& filter) {
  if (part.segment() == nullptr) return nullptr;
  if (auto known = part.segment()->filters->find(filter.key())) return known;
  const auto rows = filter_rows(part, filter);
  return rows.reads_all_payloads() ? nullptr : evaluate(part, filter, rows);
}

std::uint64_t count_visible(const Part& part, const RowSet& rows) {
  std::uint64_t hidden = 0;
  part.segment()->tombstones->for_each([&](Row row, Seq) { hidden += rows.contains(row) && !part.visible(row) ? 1U : 0U; });
  return rows.count() - hidden;
}

std::vector<Row> visible_rows(const Part& part, const RowSet& rows, Row begin, Row end) {
  std::vector<Row> visible;
  const bool all = part.all_visible();
  const auto take = [&](Row row) {
    if (all || part.visible(row)) visible.push_back(row);
  };
  if (begin == 0 && end == part.rows()) {
    visible.reserve(rows.count());
    rows.for_each(take);
  } else if (rows.is_bitmap()) {
    for (Row row = begin; row < end; ++row)
      if (rows.contains(row)) take(row);
  } else {
    const auto list = rows.list();
    const auto from = std::ranges::lower_bound(list, begin);
    for (auto row = from; row != list.end() && *row < end; ++row) take(*row);
  }
  return visible;
}

std::vector<Row> spread_rows(const Part& part, const RowSet& rows, std::size_t most) {
  std::vector<Row> spread;
  if (rows.is_bitmap()) {
    spread = spread_of_bits(rows.words(), most);
  } else {
    const auto list = rows.list();
    for (std::size_t i = 0; i < std::min(most, list.size()); ++i) spread.push_back(list[list.size() * i / std::min(most, list.size())]);
  }
  std::erase_if(spread, [&](Row row) { return !part.visible(row); });
  return spread;
}

}  // namespace ndb::reader
