#include "cli/bench/recall_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace ndb::cli {
namespace {

constexpr double kWidth = 720, kHeight = 440, kLeft = 80, kRight = 150, kTop = 56, kBottom = 50;
constexpr std::array<const char*, 5> kColours{"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#8c564b"};
constexpr std::array kRecallTicks{0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9995};

// What is missing to 1, logarithmic: 0.9, 0.99 and 0.999 are equally far apart.
double recall_scale(double recall) { return -std::log10(1.0 - std::min(recall, 0.99995)); }

/// Names come from files and users, and "<" in one must not end the picture.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '&') out += "&amp;";
    else if (static_cast<unsigned char>(c) < 0x20) out += ' ';
    else out += c;
  }
  return out;
}

struct Axes {
  double low_x = 1e9, high_x = -1e9, low_y = 1e9, high_y = -1e9;

  void include(double recall, double rate) {
    low_x = std::min(low_x, recall_scale(recall));
    high_x = std::max(high_x, recall_scale(recall));
    low_y = std::min(low_y, std::log10(rate));
    high_y = std::max(high_y, std::log10(rate));
  }
  [[nodiscard]] double x(double recall) const {
    return kLeft + (recall_scale(recall) - low_x) / std::max(high_x - low_x, 1e-9) * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] double y(double rate) const {
    return kHeight - kBottom - (std::log10(rate) - low_y) / std::max(high_y - low_y, 1e-9) * (kHeight - kTop - kBottom);
  }
};

std::string grid(const Axes& axes) {
  std::string out;
  for (const double recall : kRecallTicks) {
    if (recall_scale(recall) < axes.low_x || recall_scale(recall) > axes.high_x) continue;
    out += fmt::format("<line x1='{0:.1f}' x2='{0:.1f}' y1='{1}' y2='{2}' stroke='#ddd'/>"
                       "<text x='{0:.1f}' y='{3}' text-anchor='middle'>{4}</text>\n",
                       axes.x(recall), kTop, kHeight - kBottom, kHeight - kBottom + 18, recall);
  }
  for (double decade = std::floor(axes.low_y); decade <= axes.high_y; ++decade) {
    for (const double step : {1.0, 2.0, 5.0}) {
      const double rate = step * std::pow(10.0, decade);
      if (std::log10(rate) < axes.low_y || std::log10(rate) > axes.high_y) continue;
      out += fmt::format("<line x1='{0}' x2='{1}' y1='{2:.1f}' y2='{2:.1f}' stroke='#ddd'/>"
                         "<text x='{3}' y='{4:.1f}' text-anchor='end'>{5:.0f}</text>\n",
                         kLeft, kWidth - kRight, axes.y(rate), kLeft - 8, axes.y(rate) + 4, rate);
    }
  }
  return out;
}

std::string draw(const Curve& curve, const Axes& axes, std::size_t index) {
  const char* colour = kColours[index % kColours.size()];
  std::string points, dots;
  for (const auto& [recall, rate, label] : curve.points) {
    points += fmt::format("{:.1f},{:.1f} ", axes.x(recall), axes.y(rate));
    dots += fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='3' fill='{}'/>", axes.x(recall), axes.y(rate), colour);
    if (!label.empty())
      dots += fmt::format("<text x='{:.1f}' y='{:.1f}' font-size='10' fill='#555'>{}</text>", axes.x(recall) + 6, axes.y(rate) - 5, escaped(label));
  }
  const double y = kTop + 20.0 * static_cast<double>(index);
  return fmt::format("<polyline points='{}' fill='none' stroke='{}' stroke-width='2'/>{}\n"
                     "<rect x='{}' y='{}' width='12' height='12' fill='{}'/><text x='{}' y='{}'>{}</text>\n",
                     points, colour, dots, kWidth - kRight + 16, y, colour, kWidth - kRight + 34, y + 11, escaped(curve.name));
}

}  // namespace

std::string recall_plot(const std::string& title, const std::vector<Curve>& curves, const std::string& note) {
  Axes axes;
  for (const Curve& curve : curves)
    for (const auto& point : curve.points) axes.include(point.recall, point.queries_per_second);
  std::string out = fmt::format("<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{1}' font-family='sans-serif' "
                                "font-size='12'><rect width='{0}' height='{1}' fill='white'/>\n"
                                "<text x='{2}' y='22' font-size='14'>{3}</text><text x='{2}' y='40' fill='#555'>{4}</text>\n",
                                kWidth, kHeight, kLeft, escaped(title), escaped(note));
  out += grid(axes);
  for (std::size_t i = 0; i < curves.size(); ++i) out += draw(curves[i], axes, i);
  out += fmt::format("<text x='{}' y='{}' text-anchor='middle'>recall</text>\n"
                     "<text x='18' y='{}' transform='rotate(-90 18 {})' text-anchor='middle'>queries per second</text></svg>\n",
                     (kLeft + kWidth - kRight) / 2, kHeight - 10, kHeight / 2, kHeight / 2);
  return out;
}

}  // namespace ndb::cli
