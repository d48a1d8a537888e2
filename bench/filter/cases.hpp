// The filters that are measured. Threads: plain values.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/filter/attributes.hpp"
#include "ndb/filter.hpp"

namespace ndb::bench {

struct Case {
  std::string kind;  ///< "random", "clusters", "compound"
  std::string name;
  Filter filter;
  std::function<bool(std::size_t row)> matches;
};

/// attributes outlives the cases.
[[nodiscard]] std::vector<Case> make_cases(const Attributes& attributes);

}  // namespace ndb::bench
