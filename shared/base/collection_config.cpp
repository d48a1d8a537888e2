#include "ndb/collection_config.hpp"

#include <algorithm>
#include <string>

namespace ndb {
namespace {

Status check_range(std::uint32_t value, std::uint32_t low, std::uint32_t high, const char* field) {
  if (value >= low && value <= high) return {};
  return fail(ErrorCode::invalid_argument,
              std::string(field) + " is " + std::to_string(value) + "; it must be from " + std::to_string(low) + " to " +
                  std::to_string(high),
              field);
}

Status check_names(const std::vector<std::string>& names, const std::string& field) {
  if (names.size() > Limits::kMaxAttributeNames)
    return fail(ErrorCode::invalid_argument, field + " has more than " + std::to_string(Limits::kMaxAttributeNames) + " names", field);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& name = names[i];
    const bool odd = name.empty() || name.size() > Limits::kMaxAttributeNameBytes || name.front() == '.' || name.back() == '.' ||
                     name.find("..") != std::string::npos || name.find('\0') != std::string::npos;
    if (!odd) continue;
    std::string place = field + "[" + std::to_string(i) + "]";
    std::string message = place + " is no dotted path of 1 to " + std::to_string(Limits::kMaxAttributeNameBytes) + " bytes";
    return fail(ErrorCode::invalid_argument, std::move(message), std::move(place));
  }
  return {};
}

}  // namespace

std::string_view distance_name(Distance distance) noexcept {
  switch (distance) {
    case Distance::cosine: return "cosine";
    case Distance::dot: return "dot";
    case Distance::euclidean: return "euclidean";
  }
  return "?";
}

std::string_view durability_name(Durability durability) noexcept {
  return durability == Durability::sync ? "sync" : "buffered";
}

std::string_view quantization_name(Quantization quantization) noexcept {
  switch (quantization) {
    case Quantization::automatic: return "auto";
    case Quantization::none: return "none";
    case Quantization::sq8: return "sq8";
    case Quantization::rabitq: return "rabitq";
  }
  return "?";
}

std::optional<Quantization> quantization_from_name(std::string_view name) noexcept {
  for (const auto quantization : {Quantization::automatic, Quantization::none, Quantization::sq8, Quantization::rabitq})
    if (quantization_name(quantization) == name) return quantization;
  return std::nullopt;
}

std::optional<Distance> distance_from_name(std::string_view name) noexcept {
  for (const auto distance : {Distance::cosine, Distance::dot, Distance::euclidean})
    if (distance_name(distance) == name) return distance;
  return std::nullopt;
}

std::optional<Durability> durability_from_name(std::string_view name) noexcept {
  for (const auto durability : {Durability::buffered, Durability::sync})
    if (durability_name(durability) == name) return durability;
  return std::nullopt;
}

Status validate(const CollectionConfig& config) {
  for (const auto& status : {check_range(config.dim, 1, Limits::kMaxDim, "dim"),
                             check_range(config.hnsw.m, 2, 128, "hnsw.m"),
                             check_range(config.hnsw.ef_construction, config.hnsw.m, 4096, "hnsw.ef_construct"),
                             check_range(config.hnsw.ef_search, 1, Limits::kMaxEf, "hnsw.ef_search"),
                             check_names(config.attributes.only, "attributes.only"),
                             check_names(config.attributes.never, "attributes.never"), validate(config.history)})
    if (!status) return status;
  if (config.distance > Distance::euclidean) return fail(ErrorCode::invalid_argument, "unknown distance", "distance");
  if (config.hnsw.quantization > Quantization::rabitq)
    return fail(ErrorCode::invalid_argument, "unknown quantization; there are auto, none, sq8 and rabitq", "hnsw.quantization");
  if (config.durability > Durability::sync) return fail(ErrorCode::invalid_argument, "unknown durability", "durability");
  return {};
}

Status validate(const HistoryConfig& history) {
  const auto within = [](std::chrono::seconds value, std::chrono::seconds low, std::chrono::seconds high, const char* field) -> Status {
    if (value >= low && value <= high) return {};
    return fail(ErrorCode::invalid_argument,
                std::string(field) + " is " + std::to_string(value.count()) + " s; it must be from " + std::to_string(low.count()) +
                    " to " + std::to_string(high.count()),
                field);
  };
  auto status = within(history.retention, std::chrono::seconds(0), Limits::kMaxRetention, "history.retention");
  if (status) status = within(history.interval, std::chrono::seconds(1), Limits::kMaxHistoryInterval, "history.interval");
  return status;
}

Status validate_collection_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (!name.empty() && name.size() <= 64 && std::ranges::all_of(name, allowed)) return {};
  const auto bad = std::ranges::find_if_not(name, allowed) - name.begin();
  std::string why = name.empty() ? "is empty" : name.size() > 64 ? "is longer than 64 characters"
                                 : "has a forbidden character at position " + std::to_string(bad);
  return fail(ErrorCode::invalid_argument, "the collection's name " + why + "; allowed are 1 to 64 of A-Z a-z 0-9 _ -",
              "name");
}

}  // namespace ndb
