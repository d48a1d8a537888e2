#include "bench/filter/cases.hpp"

namespace ndb::bench {

std::vector<Case> make_cases(const Attributes& attributes) {
  using F = Filter;
  const auto& random = attributes.random_rank;
  const auto& cluster = attributes.cluster_rank;
  const auto rows = static_cast<double>(random.size());
  std::vector<Case> cases;
  for (const double percent : kPercents) {
    const double most = percent / 100.0 * rows;
    cases.push_back({"random", percent_name(percent), F::eq("rin", percent_name(percent)),
                     [&random, most](std::size_t row) { return static_cast<double>(random[row]) < most; }});
    cases.push_back({"clusters", percent_name(percent), F::eq("cin", percent_name(percent)),
                     [&cluster, most](std::size_t row) { return static_cast<double>(cluster[row]) < most; }});
  }
  const double half = 0.5 * rows, fifth = 0.2 * rows;
  cases.push_back({"compound", "r < 50 % and c < 50 %", F::lt("r", half) && F::lt("c", half), [&, half](std::size_t row) {
                     return static_cast<double>(random[row]) < half && static_cast<double>(cluster[row]) < half;
                   }});
  cases.push_back({"compound", "b = b3 and c < 20 %", F::eq("b", "b3") && F::lt("c", fifth), [&, fifth](std::size_t row) {
                     return random[row] % 20 == 3 && static_cast<double>(cluster[row]) < fifth;
                   }});
  cases.push_back({"compound", "20 % <= r < 45 %", F::gte("r", fifth) && F::lt("r", 0.45 * rows), [&, fifth, rows](std::size_t row) {
                     return static_cast<double>(random[row]) >= fifth && static_cast<double>(random[row]) < 0.45 * rows;
                   }});
  cases.push_back({"compound", "b in 3 of 20", F::in_("b", {"b1", "b7", "b12"}), [&](std::size_t row) {
                     return random[row] % 20 == 1 || random[row] % 20 == 7 || random[row] % 20 == 12;
                   }});
  cases.push_back({"compound", "not (b = b1)", !F::eq("b", "b1"), [&](std::size_t row) { return random[row] % 20 != 1; }});
  cases.push_back({"compound", "not (c < 90 %)", !F::lt("c", 0.9 * rows),
                   [&, rows](std::size_t row) { return static_cast<double>(cluster[row]) >= 0.9 * rows; }});
  return cases;
}

}  // namespace ndb::bench
