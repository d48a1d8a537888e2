// Figures over time as an SVG picture: panels one below the other with a common time axis. Threads: a pure function.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ndb::bench {

struct TimeSeries {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< seconds, value
};

struct TimePanel {
  std::string title;
  double low = 0.0;
  double high = 1.0;  ///< what lies above is cut off
  std::vector<TimeSeries> series;
};

/// mark: a time at which something began, drawn as a line with its name.
[[nodiscard]] std::string time_plot(const std::string& title, const std::vector<TimePanel>& panels, double mark,
                                    const std::string& mark_name);

}  // namespace ndb::bench
