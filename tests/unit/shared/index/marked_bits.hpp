// Accepted rows as search_cells() wants them, made of a predicate.
#pragma once

#include <cstdint>
#include <vector>

#include "ndb/types.hpp"

namespace ndb::index::test {

class MarkedBits {
 public:
  static constexpr bool kTestsMore = false;
  template <class Accept>
  MarkedBits(Row rows, Accept&& accept) : words_((rows + 63) / 64) {
    for (Row row = 0; row < rows; ++row)
      if (accept(row)) words_[row / 64] |= std::uint64_t{1} << (row % 64);
  }
  [[nodiscard]] const std::uint64_t* bitmap() const noexcept { return words_.data(); }
  bool operator()(Row row) const noexcept { return (words_[row / 64] >> (row % 64) & 1U) != 0; }

 private:
  std::vector<std::uint64_t> words_;
};

/// The same where the predicate is asked for each row whose bit is set: as for rows that something newer hides.
template <class Accept>
class MarkedAndAsked {
 public:
  static constexpr bool kTestsMore = true;
  MarkedAndAsked(const MarkedBits& marked, Accept accept) : marked_(&marked), accept_(accept) {}
  [[nodiscard]] const std::uint64_t* bitmap() const noexcept { return marked_->bitmap(); }
  bool operator()(Row row) const { return (*marked_)(row) && accept_(row); }

 private:
  const MarkedBits* marked_;
  Accept accept_;
};

}  // namespace ndb::index::test
