// The text that a daemon's /metrics answers with, read for `ndb top`: sums over labels, and the latency of searches between
// two looks. Threads: plain values.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ndb::cli {

struct MetricsText {
  std::map<std::string, double, std::less<>> sums;     ///< of each name, over all its labels
  std::vector<std::pair<double, double>> search_buckets;  ///< upper bound in seconds, count up to it; ordered

  /// 0 if there is no such name.
  [[nodiscard]] double sum(std::string_view name) const;
};

/// Lines that are no samples are passed over.
[[nodiscard]] MetricsText parse_metrics(std::string_view text);

/// How much more than before, a second; 0 after a restart.
[[nodiscard]] double rate(const MetricsText& before, const MetricsText& now, std::string_view name, double seconds);
/// Seconds below which a share q of the searches between two looks took, interpolated within a bucket; nothing if there was none.
[[nodiscard]] std::optional<double> search_quantile(const MetricsText& before, const MetricsText& now, double q);

}  // namespace ndb::cli
