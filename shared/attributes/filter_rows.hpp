// Which rows of a segment a filter lets through: by its attribute index where that knows the fields, by payloads otherwise. Estimated
// first, so that the cheapest condition narrows what the others must look at.
//
// Threads: one owner; what it refers to is shared.
// Invariant: evaluate() gives exactly the rows whose payload CompiledFilter::matches(), if the index was made from those payloads.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "shared/attributes/attributes_view.hpp"
#include "shared/attributes/row_set.hpp"
#include "shared/filter/compiled_filter.hpp"

namespace ndb::attributes {

class FilterRows {
 public:
  /// FlexBuffers of a row; empty for none.
  using PayloadOf = std::function<base::ByteSpan(Row)>;

  /// filter outlives this; index may be null.
  FilterRows(const filter::CompiledFilter& filter, const AttributesView* index, Row rows, PayloadOf payload);

  /// How many rows are expected to match: exact for one value of one field, from the counts of values and as if conditions were
  /// independent otherwise, from a sample where the index knows nothing.
  [[nodiscard]] double estimate() const noexcept { return root_.share * rows_; }
  /// Whether every payload must be read for evaluate().
  [[nodiscard]] bool reads_all_payloads() const noexcept { return root_.by_payload && !root_.narrowed; }
  [[nodiscard]] RowSet evaluate() const { return rows_of(root_, nullptr); }

 private:
  /// A node of the filter, looked up in the index.
  struct Step {
    const filter::CompiledFilter::Node* node = nullptr;
    bool by_payload = false;         ///< part of it is not in the index
    bool narrowed = false;           ///< but another part is, which must hold, too
    bool negated = false;            ///< rows without the values
    bool present = false;            ///< rows with the field, whatever it is
    AttributesView::Field field{};
    std::vector<ValueRange> ranges;  ///< of values that are let through
    std::uint64_t entries = 0;       ///< rows of those, with repetitions
    double share = 1.0;              ///< of the rows, expected
    std::vector<Step> children;      ///< in the order of their evaluation
  };

  [[nodiscard]] Step resolve(const filter::CompiledFilter::Node& node) const;
  void resolve_group(Step& step) const;
  void resolve_condition(Step& step) const;
  void find_ranges(Step& step) const;
  [[nodiscard]] double sampled_share(const filter::CompiledFilter::Node& node) const;

  /// Of `within` (null: of all) the rows that match.
  [[nodiscard]] RowSet rows_of(const Step& step, const RowSet* within) const;
  [[nodiscard]] RowSet rows_of_and(const Step& step, const RowSet* within) const;
  [[nodiscard]] RowSet rows_of_or(const Step& step, const RowSet* within) const;
  [[nodiscard]] RowSet rows_of_condition(const Step& step, const RowSet* within) const;
  [[nodiscard]] RowSet rows_with_values(const Step& step) const;
  [[nodiscard]] RowSet rows_by_payload(const Step& step, const RowSet* within) const;

  const AttributesView* index_;
  Row rows_;
  PayloadOf payload_;
  Step root_;
};

}  // namespace ndb::attributes
