#include "bench/filter/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "bench/filter/attributes.hpp"

namespace ndb::bench {
namespace {

constexpr double kWidth = 820, kLeft = 80, kRight = 210, kTop = 40, kRates = 300, kGap = 40, kRecalls = 120;
constexpr double kHeight = kTop + kRates + kGap + kRecalls + 50;
constexpr std::array<const char*, 5> kColours{"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#8c564b"};

struct Scale {
  double low_rate = 1e12, high_rate = 0.0;

  [[nodiscard]] static double x(double percent) {
    const double low = std::log10(kPercents.front()), high = std::log10(kPercents.back());
    return kLeft + (std::log10(percent) - low) / (high - low) * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] double y(double rate) const {
    const double low = std::log10(low_rate), high = std::log10(high_rate);
    return kTop + kRates - (std::log10(rate) - low) / std::max(high - low, 1e-9) * kRates;
  }
  [[nodiscard]] static double y_recall(double recall) { return kTop + kRates + kGap + (1.0 - recall) * kRecalls; }
};

std::string line(double x1, double y1, double x2, double y2) {
  return fmt::format("<line x1='{:.1f}' y1='{:.1f}' x2='{:.1f}' y2='{:.1f}' stroke='#ddd'/>", x1, y1, x2, y2);
}
std::string text(double x, double y, const char* anchor, const std::string& what) {
  return fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='{}'>{}</text>\n", x, y, anchor, what);
}

std::string grid(const Scale& scale) {
  std::string out;
  const double bottom = kTop + kRates + kGap + kRecalls;
  for (const double percent : kPercents)
    out += line(Scale::x(percent), kTop, Scale::x(percent), bottom) +
           text(Scale::x(percent), bottom + 16, "middle", percent == 90.0 ? "" : percent_name(percent));  // no room beside 100
  for (double decade = std::floor(std::log10(scale.low_rate)); decade <= std::log10(scale.high_rate); ++decade)
    for (const double step : {1.0, 3.0}) {
      const double rate = step * std::pow(10.0, decade);
      if (rate < scale.low_rate || rate > scale.high_rate) continue;
      out += line(kLeft, scale.y(rate), kWidth - kRight, scale.y(rate)) + text(kLeft - 8, scale.y(rate) + 4, "end", fmt::format("{:.0f}", rate));
    }
  for (const double recall : {0.0, 0.5, 0.95, 1.0})
    out += line(kLeft, Scale::y_recall(recall), kWidth - kRight, Scale::y_recall(recall)) +
           text(kLeft - 8, Scale::y_recall(recall) + (recall == 0.95 ? 10 : 4), "end", fmt::format("{:g}", recall));
  out += text((kLeft + kWidth - kRight) / 2, bottom + 36, "middle", "rows that match, percent");
  return out;
}

std::string draw(const ShareCurve& curve, const Scale& scale, std::size_t index) {
  const char* colour = kColours[index % kColours.size()];
  std::string rates, recalls;
  for (const auto& point : curve.points) {
    rates += fmt::format("{:.1f},{:.1f} ", Scale::x(point.percent), scale.y(point.queries_per_second));
    recalls += fmt::format("{:.1f},{:.1f} ", Scale::x(point.percent), Scale::y_recall(point.recall));
  }
  const double y = kTop + 20.0 * static_cast<double>(index);
  std::string out;
  for (const auto& points : {rates, recalls}) out += fmt::format("<polyline points='{}' fill='none' stroke='{}' stroke-width='2'/>\n", points, colour);
  return out + fmt::format("<rect x='{}' y='{}' width='12' height='12' fill='{}'/>", kWidth - kRight + 16, y, colour) +
         text(kWidth - kRight + 34, y + 11, "start", curve.name);
}

}  // namespace

std::string share_plot(const std::string& title, const std::vector<ShareCurve>& curves) {
  Scale scale;
  for (const auto& curve : curves)
    for (const auto& point : curve.points) {
      scale.low_rate = std::min(scale.low_rate, point.queries_per_second);
      scale.high_rate = std::max(scale.high_rate, point.queries_per_second);
    }
  std::string out = fmt::format("<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{1}' font-family='sans-serif' font-size='12'>"
                                "<rect width='{0}' height='{1}' fill='white'/>\n<text x='{2}' y='22' font-size='14'>{3}</text>\n",
                                kWidth, kHeight, kLeft, title);
  out += grid(scale);
  for (std::size_t i = 0; i < curves.size(); ++i) out += draw(curves[i], scale, i);
  out += fmt::format("<text x='18' y='{0}' transform='rotate(-90 18 {0})' text-anchor='middle'>queries per CPU second</text>\n", kTop + kRates / 2);
  out += fmt::format("<text x='18' y='{0}' transform='rotate(-90 18 {0})' text-anchor='middle'>recall@10</text></svg>\n",
                     kTop + kRates + kGap + kRecalls / 2);
  return out;
}

}  // namespace ndb::bench
