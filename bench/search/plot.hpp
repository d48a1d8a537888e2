// Curves of recall against queries per second as an SVG picture. Threads: a pure function.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ndb::bench {

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< recall, queries per second
};

/// Recall to the right, on a scale that spreads 0.9 to 0.9999; queries per second upwards, logarithmic.
[[nodiscard]] std::string recall_plot(const std::string& title, const std::vector<Curve>& curves);

}  // namespace ndb::bench
