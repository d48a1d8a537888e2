#include "cli/top/metrics_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace ndb::cli {
namespace {

constexpr std::string_view kSearchBucket = "ndb_search_duration_seconds_bucket";

std::optional<double> parse_number(std::string_view text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> bound_of(std::string_view labels) {
  constexpr std::string_view kLe = "le=\"";
  const std::size_t at = labels.find(kLe);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = labels.substr(at + kLe.size());
  return parse_number(rest.substr(0, rest.find('"')));
}

void read_line(std::string_view line, MetricsText& into) {
  const std::size_t space = line.rfind(' ');
  if (line.starts_with('#') || space == std::string_view::npos) return;
  const auto value = parse_number(line.substr(space + 1));
  const std::string_view series = line.substr(0, space);
  const std::string_view name = series.substr(0, series.find('{'));
  if (!value || name.empty()) return;
  into.sums[std::string(name)] += *value;
  if (name != kSearchBucket) return;
  if (const auto bound = bound_of(series)) into.search_buckets.emplace_back(*bound, *value);
}

}  // namespace

double MetricsText::sum(std::string_view name) const {
  const auto found = sums.find(name);
  return found == sums.end() ? 0.0 : found->second;
}

MetricsText parse_metrics(std::string_view text) {
  MetricsText metrics;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    read_line(line, metrics);
  }
  std::ranges::sort(metrics.search_buckets);
  return metrics;
}

double rate(const MetricsText& before, const MetricsText& now, std::string_view name, double seconds) {
  return seconds > 0 ? std::max(0.0, now.sum(name) - before.sum(name)) / seconds : 0.0;
}

std::optional<double> search_quantile(const MetricsText& before, const MetricsText& now, double q) {
  std::vector<std::pair<double, double>> added = now.search_buckets;
  if (before.search_buckets.size() == added.size()) {
    for (std::size_t i = 0; i < added.size(); ++i) added[i].second -= before.search_buckets[i].second;
  }
  const double wanted = added.empty() ? 0.0 : q * added.back().second;
  if (wanted <= 0.0) return std::nullopt;
  double low = 0.0;
  double below = 0.0;
  for (const auto& [bound, count] : added) {
    if (count >= wanted) return std::isinf(bound) ? low : low + (bound - low) * (wanted - below) / (count - below);
    low = bound;
    below = count;
  }
  return low;
}

}  // namespace ndb::cli
