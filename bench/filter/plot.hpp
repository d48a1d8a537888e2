// Curves over the share of rows that match, as an SVG picture: queries per second above, recall below. Threads: a pure function.
#pragma once

#include <string>
#include <vector>

namespace ndb::bench {

struct SharePoint {
  double percent, queries_per_second, recall;
};
struct ShareCurve {
  std::string name;
  std::vector<SharePoint> points;
};

[[nodiscard]] std::string share_plot(const std::string& title, const std::vector<ShareCurve>& curves);

}  // namespace ndb::bench
