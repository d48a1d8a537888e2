// Answers in JSON, as the contract words them. Threads: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ndb/document.hpp"
#include "ndb/search.hpp"
#include "ndb/stats.hpp"

namespace ndb::http {

// as_of: the old version that answers, as "as_of":{"version","seq","time","unix_ms"}; null: the newest does, and nothing is said.

/// {"id","vector","payload"}; payload is null if there is none.
[[nodiscard]] std::string encode_document(const Document& document, const VersionInfo* as_of = nullptr);
/// {"documents":[…],"missing":[…]}
[[nodiscard]] std::string encode_documents(std::span<const Document> documents, std::span<const std::string> missing,
                                           const VersionInfo* as_of = nullptr);
/// {"documents":[…],"next":id or null}
[[nodiscard]] std::string encode_page(std::span<const Document> documents, const std::string* next, const VersionInfo* as_of = nullptr);
/// {"matches":[{"id","score","payload","vector"}],"seq","manifest_version","took_us","plan"}: payload (null if there is
/// none), vector and plan only if they were asked for.
[[nodiscard]] std::string encode_search(const SearchResult& result, const Search& search, const VersionInfo* as_of = nullptr);
/// {"results":[…]}
[[nodiscard]] std::string encode_search_batch(std::span<const SearchResult> results, std::span<const Search> searches,
                                              const VersionInfo* as_of = nullptr);
/// {"seq","inserted","replaced","durability"}
[[nodiscard]] std::string encode_insert(const WriteResult& result);
/// {"seq","deleted":true,"durability"}
[[nodiscard]] std::string encode_remove(const WriteResult& result);
/// {"seq","deleted":n,"durability"}
[[nodiscard]] std::string encode_remove_many(const WriteResult& result);
[[nodiscard]] std::string encode_count(std::uint64_t count, const VersionInfo* as_of = nullptr);
[[nodiscard]] std::string encode_manifest_version(ManifestVersion version);
[[nodiscard]] std::string encode_stats(const CollectionStats& stats);
/// {"retention_s","interval_s","bytes","versions":[{"version","seq","time","unix_ms"}]}
[[nodiscard]] std::string encode_history(const CollectionStats& stats, std::span<const VersionInfo> versions);
/// {"collections":[{"name","dim","distance","documents"}]}
[[nodiscard]] std::string encode_collections(std::span<const CollectionStats> collections);
/// {"replicas":[{"host","pid","pinned_version","seq","lag_seq","age_seconds"}]}
[[nodiscard]] std::string encode_replicas(std::span<const ReplicaStats> replicas);

}  // namespace ndb::http
