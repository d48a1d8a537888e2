// Curves of recall against queries per second as an SVG picture, of ndb bench and of the project's own benchmarks. Threads: a pure function.
#pragma once

#include <string>
#include <vector>

namespace ndb::cli {

struct CurvePoint {
  double recall = 0.0;
  double queries_per_second = 0.0;
  std::string label{};  ///< beside the point; "" for none
};

struct Curve {
  std::string name;
  std::vector<CurvePoint> points;
};

/// Recall to the right, on a scale that spreads 0.9 to 0.9999; queries per second upwards, logarithmic. note: a second, smaller line under
/// the title.
[[nodiscard]] std::string recall_plot(const std::string& title, const std::vector<Curve>& curves, const std::string& note = "");

}  // namespace ndb::cli
