#include "shared/attributes/filter_rows.hpp"

#include <algorithm>

namespace ndb::attributes {
namespace {

using Op = Filter::Op;
using filter::CompiledFilter;

// A payload costs as much to look at as so many entries of the index to collect.
constexpr std::uint64_t kEntriesPerPayload = 100;
constexpr Row kSampledRows = 32;

RowSet minus(const RowSet* within, Row universe, const RowSet& set) {
  return within != nullptr ? RowSet::difference(*within, set) : RowSet::difference(RowSet::all(universe), set);
}

RowSet common(const RowSet* within, RowSet set) { return within != nullptr ? RowSet::intersection(*within, set) : std::move(set); }

}  // namespace

FilterRows::FilterRows(const CompiledFilter& filter, const AttributesView* index, Row rows, PayloadOf payload)
    : index_(index), rows_(rows), payload_(std::move(payload)), root_(resolve(filter.root())) {}

FilterRows::Step FilterRows::resolve(const CompiledFilter::Node& node) const {
  Step step;
  step.node = &node;
  if (node.op == Op::and_ || node.op == Op::or_ || node.op == Op::not_) resolve_group(step);
  else if (node.op != Op::all) resolve_condition(step);
  return step;
}

void FilterRows::resolve_group(Step& step) const {
  double all = 1.0, none = 1.0;
  std::size_t by_payload = 0, narrowed = 0;
  for (const auto& child : step.node->children) {
    step.children.push_back(resolve(child));
    const Step& resolved = step.children.back();
    all *= resolved.share;
    none *= 1.0 - resolved.share;
    by_payload += resolved.by_payload ? 1U : 0U;
    narrowed += resolved.narrowed ? 1U : 0U;
  }
  // What needs payloads comes last: for an and few rows are left then, for an or few are missing.
  std::ranges::stable_sort(step.children, [](const Step& left, const Step& right) {
    return left.by_payload != right.by_payload ? right.by_payload : left.share < right.share;
  });
  const bool is_and = step.node->op == Op::and_;
  step.by_payload = by_payload > 0;
  step.narrowed = is_and ? by_payload < step.children.size() || narrowed > 0 : narrowed == by_payload && by_payload > 0;
  step.share = is_and ? all : step.node->op == Op::or_ ? 1.0 - none : none;  // of a not: of its only child
}

void FilterRows::resolve_condition(Step& step) const {
  step.negated = step.node->op == Op::ne || step.node->op == Op::not_in || (step.node->op == Op::exists && !step.node->wanted);
  step.present = step.node->op == Op::exists;
  step.field.known = AttributesView::Known::not_indexed;
  if (index_ != nullptr) step.field = index_->find(step.node->field);
  const bool indexed = step.field.known == AttributesView::Known::indexed;
  // A field that is named without its values says at least where it is.
  const bool placed = step.present && (indexed || step.field.record.path_bytes != 0);
  step.by_payload = step.field.known == AttributesView::Known::not_indexed && !placed;
  if (step.by_payload) {
    step.share = sampled_share(*step.node);
    return;
  }
  if (step.present) step.entries = step.field.record.present;
  else if (indexed) find_ranges(step);
  const auto rows = std::min<std::uint64_t>(step.entries, step.field.record.present);
  const double share = rows_ == 0 ? 0.0 : static_cast<double>(std::min<std::uint64_t>(rows, rows_)) / rows_;
  step.share = step.negated ? 1.0 - share : share;
}

void FilterRows::find_ranges(Step& step) const {
  const auto& operands = step.node->operands;
  const auto add = [&](ValueRange range) {
    if (range.begin == range.end) return;
    step.ranges.push_back(range);
    step.entries += index_->count_entries(step.field, range);
  };
  switch (step.node->op) {
    case Op::lt:
    case Op::lte: return add(index_->below(step.field, operands.front().scalar(), step.node->op == Op::lte));
    case Op::gt:
    case Op::gte: return add(index_->above(step.field, operands.front().scalar(), step.node->op == Op::gte));
    default:
      for (const auto& operand : operands) add(index_->equal(step.field, operand.scalar()));
  }
}

double FilterRows::sampled_share(const CompiledFilter::Node& node) const {
  const Row sampled = std::min(kSampledRows, rows_);
  Row matched = 0;
  for (Row i = 0; i < sampled; ++i) {
    const auto row = static_cast<Row>(std::uint64_t{rows_} * i / sampled);
    matched += CompiledFilter::matches(node, payload_(row)) ? 1U : 0U;
  }
  return (static_cast<double>(matched) + 0.5) / (static_cast<double>(sampled) + 1.0);
}

RowSet FilterRows::rows_of(const Step& step, const RowSet* within) const {
  if (within != nullptr && within->empty()) return RowSet(rows_);
  switch (step.node->op) {
    case Op::all: return within != nullptr ? within->copy() : RowSet::all(rows_);
    case Op::and_: return rows_of_and(step, within);
    case Op::or_: return rows_of_or(step, within);
    case Op::not_: return minus(within, rows_, rows_of(step.children.front(), within));
    default: return rows_of_condition(step, within);
  }
}

RowSet FilterRows::rows_of_and(const Step& step, const RowSet* within) const {
  if (step.children.empty()) return within != nullptr ? within->copy() : RowSet::all(rows_);
  RowSet left = rows_of(step.children.front(), within);
  for (std::size_t i = 1; i < step.children.size() && !left.empty(); ++i) left = rows_of(step.children[i], &left);
  return left;
}

RowSet FilterRows::rows_of_or(const Step& step, const RowSet* within) const {
  RowUnion indexed(rows_);
  for (const auto& child : step.children)
    if (!child.by_payload) indexed.add(rows_of(child, within));
  RowSet found = indexed.take();
  for (const auto& child : step.children) {
    if (!child.by_payload) continue;
    const RowSet rest = minus(within, rows_, found);
    RowUnion both(rows_);
    both.add(found);
    both.add(rows_of(child, &rest));
    found = both.take();
  }
  return found;
}

RowSet FilterRows::rows_of_condition(const Step& step, const RowSet* within) const {
  if (step.by_payload) return rows_by_payload(step, within);
  const bool in_place = step.present || (step.ranges.size() == 1 && step.ranges.front().end - step.ranges.front().begin == 1);
  if (within != nullptr && !in_place && step.entries > within->count() * kEntriesPerPayload) return rows_by_payload(step, within);
  RowSet rows = rows_with_values(step);
  return step.negated ? minus(within, rows_, rows) : common(within, std::move(rows));
}

RowSet FilterRows::rows_with_values(const Step& step) const {
  if (step.field.known == AttributesView::Known::absent) return RowSet(rows_);
  if (step.present) return index_->present(step.field);
  if (step.ranges.empty()) return RowSet(rows_);
  if (step.ranges.size() == 1 && step.ranges.front().end - step.ranges.front().begin == 1)
    return index_->rows_of(step.field, step.ranges.front().begin);
  RowUnion rows(rows_);
  for (const auto& range : step.ranges) index_->add_rows(step.field, range, rows);
  return rows.take();
}

RowSet FilterRows::rows_by_payload(const Step& step, const RowSet* within) const {
  const auto matches = [&](Row row) { return CompiledFilter::matches(*step.node, payload_(row)); };
  if (within != nullptr) return within->filtered(matches);
  std::vector<Row> rows;
  for (Row row = 0; row < rows_; ++row)
    if (matches(row)) rows.push_back(row);
  RowUnion all(rows_);
  all.add_list(rows);
  return all.take();
}

}  // namespace ndb::attributes
