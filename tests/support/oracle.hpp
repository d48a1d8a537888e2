// What a collection must answer: a map from ids to documents, searched by brute force in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ndb/document.hpp"

namespace ndb::test {

class Oracle {
 public:
  explicit Oracle(Distance distance) : distance_(distance) {}

  void insert(const Document& document) { documents_[document.id] = document; }
  bool remove(const std::string& id) { return documents_.erase(id) > 0; }
  [[nodiscard]] const std::map<std::string, Document>& documents() const noexcept { return documents_; }

  [[nodiscard]] double score(std::span<const float> a, std::span<const float> b) const {
    double dot = 0, aa = 0, bb = 0, l2 = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double x = a[i], y = b[i];
      dot += x * y;
      aa += x * x;
      bb += y * y;
      l2 += (x - y) * (x - y);
    }
    if (distance_ == Distance::dot) return dot;
    if (distance_ == Distance::euclidean) return std::sqrt(l2);
    return dot / std::sqrt(aa * bb);
  }

  /// The k best scores, best first.
  [[nodiscard]] std::vector<double> best_scores(std::span<const float> query, std::size_t k) const {
    std::vector<double> scores;
    for (const auto& [id, document] : documents_) scores.push_back(score(query, document.vector));
    if (distance_ == Distance::euclidean) std::ranges::sort(scores);
    else std::ranges::sort(scores, std::greater<>{});
    scores.resize(std::min(k, scores.size()));
    return scores;
  }

 private:
  Distance distance_;
  std::map<std::string, Document> documents_;
};

}  // namespace ndb::test
