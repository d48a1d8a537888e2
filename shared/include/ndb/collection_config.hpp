// How a collection is set up. Fixed when it is created, but for its history; stored in every manifest. Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ndb/error.hpp"

namespace ndb {

/// How two vectors are compared, and what `score` means.
enum class Distance : std::uint8_t {
  cosine = 0,     ///< score is the cosine similarity, higher is better, [-1, 1]
  dot = 1,        ///< score is the dot product, higher is better
  euclidean = 2,  ///< score is the Euclidean distance (not squared), lower is better
};

/// When a write is acknowledged.
enum class Durability : std::uint8_t {
  buffered = 0,  ///< after write(2); synced at most `sync_interval` later (default 100 ms)
  sync = 1,      ///< after fdatasync(2)
};

/// What a graph is walked on; matches are always ranked on the full vectors.
enum class Quantization : std::uint8_t {
  automatic = 0,  ///< 1-bit codes where they order a sample of the vectors well, else 8-bit ones, else the vectors
  none = 1,       ///< the full vectors
  sq8 = 2,        ///< 8-bit codes (a quarter of the vectors' bytes more) where they order a sample well, else the vectors
  rabitq = 3,     ///< 1-bit codes (about a twentieth more) as under automatic, also for vectors of fewer than 64 dimensions
};

/// Parameters of the HNSW graph (Malkov and Yashunin 2018).
struct HnswConfig {
  std::uint32_t m = 16;                ///< links per node above level 0; 2*m at level 0. 2–128
  std::uint32_t ef_construction = 200; ///< candidates while building. m–4096
  std::uint32_t ef_search = 64;        ///< candidates while searching, unless the search says otherwise. 1–16384
  Quantization quantization = Quantization::automatic;

  friend bool operator==(const HnswConfig&, const HnswConfig&) = default;
};

/// Which fields of payloads are indexed, so that filters on them need not look at the payloads. A name stands for a dotted path and for
/// everything under it: "author" for author.name, too. Filters mean the same either way.
struct AttributeConfig {
  std::vector<std::string> only;   ///< nothing but these; empty (default): all that are not too large
  std::vector<std::string> never;  ///< not these, such as long texts that nobody filters by

  friend bool operator==(const AttributeConfig&, const AttributeConfig&) = default;
};

/// How long old versions of a collection stay, to be searched as they were (Collection::at_version, at_time). Collection::set_history changes it.
struct HistoryConfig {
  /// A version stays for at least this long after a newer one replaced it; 0 (default): no longer than readers need it. Up to ten years.
  /// Costs the disk space of every segment file that was in use within that time, and one small file for each version.
  std::chrono::seconds retention{0};
  /// While versions are kept, what is in memory is flushed at least this often, so that no version is much further apart from the
  /// next. 1 s to a day. Less: more precise times, more small segments to merge.
  std::chrono::seconds interval{60};

  friend bool operator==(const HistoryConfig&, const HistoryConfig&) = default;
};

struct CollectionConfig {
  std::uint32_t dim = 0;  ///< elements of a vector, 1–65,536; must be given
  Distance distance = Distance::cosine;
  Durability durability = Durability::buffered;
  HnswConfig hnsw{};
  AttributeConfig attributes{};
  HistoryConfig history{};  ///< the one thing here that can change later

  friend bool operator==(const CollectionConfig&, const CollectionConfig&) = default;
};

/// Largest accepted values; everything larger is invalid_argument.
struct Limits {
  static constexpr std::uint32_t kMaxDim = 65'536;
  static constexpr std::uint32_t kMaxIdBytes = 512;
  static constexpr std::uint32_t kMaxPayloadBytes = 1U << 20;
  static constexpr std::uint32_t kMaxTopK = 10'000;
  static constexpr std::uint32_t kMaxEf = 16'384;
  static constexpr std::uint32_t kMaxAttributeNames = 256;       ///< in each list of AttributeConfig
  static constexpr std::uint32_t kMaxAttributeNameBytes = 1'024;
  static constexpr std::chrono::seconds kMaxRetention{10LL * 365 * 86'400};
  static constexpr std::chrono::seconds kMaxHistoryInterval{86'400};
  static constexpr std::uint32_t kMaxBatchDocuments = 100'000;
  static constexpr std::uint64_t kMaxBatchBytes = 256ULL << 20;
};

[[nodiscard]] std::string_view distance_name(Distance distance) noexcept;
[[nodiscard]] std::string_view durability_name(Durability durability) noexcept;
/// "auto", "none", "sq8", "rabitq".
[[nodiscard]] std::string_view quantization_name(Quantization quantization) noexcept;
[[nodiscard]] std::optional<Quantization> quantization_from_name(std::string_view name) noexcept;
[[nodiscard]] std::optional<Distance> distance_from_name(std::string_view name) noexcept;
[[nodiscard]] std::optional<Durability> durability_from_name(std::string_view name) noexcept;

/// invalid_argument naming the field ("dim", "hnsw.m", …) unless every value is in range.
[[nodiscard]] Status validate(const CollectionConfig& config);
/// Likewise ("history.retention", "history.interval").
[[nodiscard]] Status validate(const HistoryConfig& history);
/// invalid_argument unless `name` matches [A-Za-z0-9_-]{1,64}.
[[nodiscard]] Status validate_collection_name(std::string_view name);

}  // namespace ndb
