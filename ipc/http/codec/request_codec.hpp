// Request bodies in JSON, strictly: unknown, repeated or missing fields, values of another type, numbers outside their
// range and text after the object are refused with invalid_argument, `field` saying where ("documents[3].vector[17]").
// What only the engine knows (the collection's dim, zero vectors, ids, payloads) the engine checks.
//
// Threads: pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ndb/collection_config.hpp"
#include "ndb/document.hpp"
#include "ndb/error.hpp"
#include "ndb/filter.hpp"
#include "ndb/search.hpp"

namespace ndb::http {

/// Documents that own everything their views point to.
class DocumentBatch {
 public:
  struct Storage;  // internal
  explicit DocumentBatch(std::unique_ptr<Storage> storage) noexcept;
  DocumentBatch(DocumentBatch&&) noexcept;
  DocumentBatch& operator=(DocumentBatch&&) noexcept;
  ~DocumentBatch();

  [[nodiscard]] std::span<const DocumentView> documents() const noexcept;

 private:
  std::unique_ptr<Storage> storage_;
};

/// Either ids or a filter.
struct DeleteRequest {
  std::vector<std::string> ids;
  std::optional<Filter> filter;
};

struct ScrollRequest {
  Filter filter;
  std::uint32_t limit = 100;  ///< 1–10,000
  std::optional<std::string> after;
};

/// Which state a request is about: the newest, that of a version, or that at a time.
struct AsOf {
  std::optional<ManifestVersion> version;
  std::optional<std::chrono::system_clock::time_point> time;

  [[nodiscard]] bool newest() const noexcept { return !version && !time; }
};
/// From texts, such as query parameters. Both, or what is no version or no time, is invalid_argument (field at_version, at_time).
[[nodiscard]] Result<AsOf> parse_as_of(std::optional<std::string_view> at_version, std::optional<std::string_view> at_time);

inline constexpr std::size_t kMaxSearchesPerBatch = 10'000;
inline constexpr std::uint64_t kMaxTimeoutMs = 3'600'000;

// Where `as_of` is passed, the body may also have "at_version" (a number) or "at_time" (RFC 3339, or milliseconds since 1970).

/// {"dim","distance","durability","hnsw":{"m","ef_construct","ef_search","quantization"},"history":{"retention_s","interval_s"}}; what is not given is taken from `defaults`
/// (dim too, unless that is 0).
[[nodiscard]] Result<CollectionConfig> parse_collection_config(std::string_view body, const CollectionConfig& defaults);
/// {"documents":[{"id","vector","payload"}]}; payload may be null or left out.
[[nodiscard]] Result<DocumentBatch> parse_documents(std::string body);
/// {"retention_s","interval_s"}; what is not given stays as in `now`.
[[nodiscard]] Result<HistoryConfig> parse_history(std::string_view body, const HistoryConfig& now);
/// {"ids":[…]}
[[nodiscard]] Result<std::vector<std::string>> parse_ids(std::string_view body, AsOf* as_of = nullptr);
/// {"ids":[…]} or {"filter":{…}}, exactly one of them.
[[nodiscard]] Result<DeleteRequest> parse_delete(std::string_view body);
/// {"vector","top_k","approximate","ef","recall","filter","with_payload","with_vector","min_seq","timeout_ms","explain"}
[[nodiscard]] Result<Search> parse_search(std::string_view body, AsOf* as_of = nullptr);
/// {"searches":[…]}, 1 to kMaxSearchesPerBatch of them; as_of is for all of them, beside "searches".
[[nodiscard]] Result<std::vector<Search>> parse_search_batch(std::string_view body, AsOf* as_of = nullptr);
/// What a reader reports of itself: {"host","pid","pinned_version","seq"}; host of 1 to 255 bytes.
struct ReplicaReport {
  std::string host;
  std::uint64_t pid = 0;
  ManifestVersion pinned_version;
  Seq seq;
};
[[nodiscard]] Result<ReplicaReport> parse_replica_report(std::string_view body);
[[nodiscard]] std::string encode_replica_report(const ReplicaReport& report);
/// {"filter"} or nothing at all.
[[nodiscard]] Result<Filter> parse_count(std::string_view body, AsOf* as_of = nullptr);
/// {"filter","limit","after"} or nothing at all.
[[nodiscard]] Result<ScrollRequest> parse_scroll(std::string_view body, AsOf* as_of = nullptr);

}  // namespace ndb::http
