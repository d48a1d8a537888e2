// Documents going in and matches coming out. Plain values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ndb/collection_config.hpp"
#include "ndb/types.hpp"

namespace ndb {

/// A document as it is passed in, without copies; everything it points to must outlive the call.
struct DocumentView {
  std::string_view id{};          ///< 1–512 bytes of UTF-8
  std::span<const float> vector{};  ///< exactly `dim` finite values; not all zero under cosine
  std::string_view payload{};       ///< a JSON object, or empty for none
};

/// A document that owns its parts.
struct Document {
  std::string id{};
  std::vector<float> vector{};  ///< [dim], exactly the values that were inserted
  std::string payload{};       ///< a JSON object, or empty for none

  [[nodiscard]] operator DocumentView() const noexcept { return {id, vector, payload}; }  // NOLINT: a view of itself
  friend bool operator==(const Document&, const Document&) = default;
};

/// What a write did. Converts to its sequence number.
struct WriteResult {
  Seq seq{};                    ///< of the last operation of the batch; pass it to wait_for or Search::min_seq
  std::uint64_t inserted = 0;   ///< ids that did not exist before
  std::uint64_t replaced = 0;   ///< ids that existed
  std::uint64_t deleted = 0;    ///< ids that existed and are gone
  Durability durability = Durability::buffered;

  [[nodiscard]] operator Seq() const noexcept { return seq; }  // NOLINT: reads as the seq it is
};

/// One match of a search.
struct Match {
  std::string id{};
  float score = 0.0F;         ///< see Distance; always finite
  std::string payload{};       ///< JSON object, if asked for and present
  std::vector<float> vector{};  ///< [dim], if asked for

  friend bool operator==(const Match&, const Match&) = default;
};

}  // namespace ndb
