#include "bench/ingest/time_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace ndb::bench {
namespace {

constexpr double kWidth = 760, kPanel = 130, kGap = 34, kLeft = 70, kRight = 130, kTop = 46, kBottom = 34;
constexpr std::array<const char*, 5> kColours{"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#8c564b"};

double tick_step(double range, double ticks) {
  const double raw = std::max(range, 1e-9) / ticks;
  const double decade = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double step : {1.0, 2.0, 5.0})
    if (decade * step >= raw) return decade * step;
  return decade * 10.0;
}

struct TimeAxis {
  double end = 1.0;
  [[nodiscard]] double x(double seconds) const { return kLeft + seconds / end * (kWidth - kLeft - kRight); }
};

std::string panel_svg(const TimePanel& panel, const TimeAxis& axis, double top) {
  const auto y = [&](double value) {
    const double share = (std::clamp(value, panel.low, panel.high) - panel.low) / std::max(panel.high - panel.low, 1e-9);
    return top + kPanel - share * kPanel;
  };
  std::string out = fmt::format("<text x='{}' y='{:.1f}' font-weight='bold'>{}</text>\n", kLeft, top - 6, panel.title);
  const double step = tick_step(panel.high - panel.low, 4);
  for (double value = std::ceil(panel.low / step) * step; value <= panel.high + step / 1e3; value += step)
    out += fmt::format("<line x1='{}' x2='{}' y1='{:.1f}' y2='{:.1f}' stroke='#ddd'/>"
                       "<text x='{}' y='{:.1f}' text-anchor='end'>{:.6g}</text>\n",
                       kLeft, kWidth - kRight, y(value), y(value), kLeft - 8, y(value) + 4, value);
  for (std::size_t i = 0; i < panel.series.size(); ++i) {
    const char* colour = kColours[i % kColours.size()];
    std::string points;
    for (const auto& [seconds, value] : panel.series[i].points) points += fmt::format("{:.1f},{:.1f} ", axis.x(seconds), y(value));
    const double place = top + 14.0 + 18.0 * static_cast<double>(i);
    out += fmt::format("<polyline points='{}' fill='none' stroke='{}' stroke-width='1.5'/>\n"
                       "<rect x='{}' y='{:.1f}' width='10' height='10' fill='{}'/><text x='{}' y='{:.1f}'>{}</text>\n",
                       points, colour, kWidth - kRight + 12, place - 9, colour, kWidth - kRight + 27, place, panel.series[i].name);
  }
  return out;
}

}  // namespace

std::string time_plot(const std::string& title, const std::vector<TimePanel>& panels, double mark, const std::string& mark_name) {
  TimeAxis axis;
  for (const auto& panel : panels)
    for (const auto& series : panel.series)
      for (const auto& [seconds, value] : series.points) axis.end = std::max(axis.end, seconds);
  const double height = kTop + static_cast<double>(panels.size()) * (kPanel + kGap) + kBottom;
  const double bottom = height - kBottom - kGap;
  std::string out = fmt::format("<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{1}' font-family='sans-serif' "
                                "font-size='12'><rect width='{0}' height='{1}' fill='white'/>\n<text x='{2}' y='20' font-size='14'>{3}</text>\n",
                                kWidth, height, kLeft, title);
  const double step = tick_step(axis.end, 8);
  for (double seconds = 0; seconds <= axis.end; seconds += step)
    out += fmt::format("<line x1='{0:.1f}' x2='{0:.1f}' y1='{1}' y2='{2}' stroke='#eee'/>"
                       "<text x='{0:.1f}' y='{3}' text-anchor='middle'>{4}</text>\n",
                       axis.x(seconds), kTop, bottom, bottom + 18, seconds);
  double top = kTop;
  for (const auto& panel : panels) {
    out += panel_svg(panel, axis, top);
    top += kPanel + kGap;
  }
  out += fmt::format("<line x1='{0:.1f}' x2='{0:.1f}' y1='{1}' y2='{2}' stroke='#555' stroke-dasharray='4 3'/>"
                     "<text x='{3:.1f}' y='{4}'>{5}</text>\n",
                     axis.x(mark), kTop, bottom, axis.x(mark) + 4, kTop + 12, mark_name);
  out += fmt::format("<text x='{}' y='{}' text-anchor='middle'>seconds</text></svg>\n", (kLeft + kWidth - kRight) / 2, height - 14);
  return out;
}

}  // namespace ndb::bench
