#include "shared/attributes/evaluated_filters.hpp"

#include <algorithm>

namespace ndb::attributes {

std::shared_ptr<const EvaluatedFilter> EvaluatedFilters::find(std::string_view key) {
  const std::scoped_lock lock(mutex_);
  const auto entry = std::ranges::find(entries_, key, &Entry::key);
  if (entry == entries_.end()) return nullptr;
  std::rotate(entry, entry + 1, entries_.end());
  return entries_.back().filter;
}

void EvaluatedFilters::keep(std::string_view key, std::shared_ptr<const EvaluatedFilter> filter) {
  if (!filter->rows.owns_memory() || filter->rows.empty() || filter->rows.is_all()) return;
  Entry fresh{std::string(key), std::move(filter)};
  std::shared_ptr<const EvaluatedFilter> dropped;  // freed after the lock
  const std::scoped_lock lock(mutex_);
  if (std::ranges::find(entries_, key, &Entry::key) != entries_.end()) return;  // another thread was as fast
  if (entries_.size() == kMost) {
    dropped = std::move(entries_.front().filter);
    entries_.erase(entries_.begin());
  }
  entries_.push_back(std::move(fresh));
}

}  // namespace ndb::attributes
