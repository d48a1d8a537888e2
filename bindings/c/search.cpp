#include "bindings/c/handles.hpp"

using ndb::Result;
using ndb::Status;
using ndb::c::handed_out;
using ndb::c::require;

namespace {

Result<ndb::Search> search_from(const ndb_search_options& options, const ndb::Filter& filter, std::span<const float> query) {
  ndb::Search search(query);
  search.top_k(options.top_k).approximate(options.approximate).filter(filter);
  search.with_payload(options.with_payload).with_vector(options.with_vector).explain(options.explain);
  search.min_seq(ndb::Seq{options.min_seq});
  if (options.ef != 0) search.ef(options.ef);
  if (options.recall != 0.0) search.recall(options.recall);
  if (options.timeout_ms != 0) search.timeout(std::chrono::milliseconds(options.timeout_ms));
  return search;
}

Result<ndb_results*> search_all(const ndb_collection* collection, size_t count, const float* queries, size_t dim,
                                const ndb_search_options* options) {
  NDB_TRY(require(collection, "collection"));
  NDB_TRY_ASSIGN(const auto read, ndb::c::read_sized(options, ndb_search_options(NDB_SEARCH_OPTIONS_INIT), "options"));
  NDB_TRY_ASSIGN(const auto filter, ndb::c::read_filter(read.filter));
  if (count > ndb::Limits::kMaxTopK)
    return ndb::fail(ndb::ErrorCode::invalid_argument, "at most " + std::to_string(ndb::Limits::kMaxTopK) + " searches are allowed", "searches");
  if (dim != collection->collection.config().dim)  // before a pointer is followed that far
    return ndb::fail(ndb::ErrorCode::invalid_argument, "a query has " + std::to_string(dim) + " elements; the collection has dim " +
                     std::to_string(collection->collection.config().dim), "vector");
  std::vector<ndb::Search> searches;
  searches.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    NDB_TRY_ASSIGN(auto search, search_from(read, filter, {queries + i * dim, dim}));
    searches.push_back(std::move(search));
  }
  NDB_TRY_ASSIGN(auto results, collection->collection.search_batch(searches));
  return new ndb_results{std::move(results)};
}

const ndb::Match* match_at(const ndb_results* results, size_t search, size_t match) {
  if (match >= ndb_results_matches(results, search)) return nullptr;
  return &results->results[search].matches[match];
}

}  // namespace

ndb_code ndb_search(const ndb_collection* collection, const float* query, size_t dim, const ndb_search_options* options,
                    ndb_results** out, ndb_error** error) {
  return handed_out(out, error, [&]() -> Result<ndb_results*> {
    NDB_TRY(require(query, "vector"));
    return search_all(collection, 1, query, dim, options);
  });
}

ndb_code ndb_search_batch(const ndb_collection* collection, size_t count, const float* queries, size_t dim,
                          const ndb_search_options* options, ndb_results** out, ndb_error** error) {
  return handed_out(out, error, [&]() -> Result<ndb_results*> {
    if (count != 0) NDB_TRY(require(queries, "searches"));
    return search_all(collection, count, queries, dim, options);
  });
}

size_t ndb_results_count(const ndb_results* results) { return results == nullptr ? 0 : results->results.size(); }

size_t ndb_results_matches(const ndb_results* results, size_t search) {
  return search < ndb_results_count(results) ? results->results[search].matches.size() : 0;
}

const char* ndb_results_id(const ndb_results* results, size_t search, size_t match) {
  const auto* found = match_at(results, search, match);
  return found == nullptr ? nullptr : found->id.c_str();
}

float ndb_results_score(const ndb_results* results, size_t search, size_t match) {
  const auto* found = match_at(results, search, match);
  return found == nullptr ? 0.0F : found->score;
}

const char* ndb_results_payload(const ndb_results* results, size_t search, size_t match) {
  const auto* found = match_at(results, search, match);
  return found == nullptr || found->payload.empty() ? nullptr : found->payload.c_str();
}

const float* ndb_results_vector(const ndb_results* results, size_t search, size_t match, size_t* dim) {
  const auto* found = match_at(results, search, match);
  const bool there = found != nullptr && !found->vector.empty();
  if (dim != nullptr) *dim = there ? found->vector.size() : 0;
  return there ? found->vector.data() : nullptr;
}

ndb_code ndb_results_info(const ndb_results* results, size_t search, ndb_result_info* out, ndb_error** error) {
  return ndb::c::guarded(error, [&]() -> Status {
    NDB_TRY(require(results, "results"));
    NDB_TRY(require(out, "out"));
    if (search >= results->results.size())
      return ndb::fail(ndb::ErrorCode::invalid_argument, "there are " + std::to_string(results->results.size()) + " searches", "search");
    const auto& result = results->results[search];
    return ndb::c::write_sized(out, {sizeof(ndb_result_info), result.seq.value, result.manifest_version.value, result.took_us}, "out");
  });
}

const char* ndb_results_plan(const ndb_results* results, size_t search) {
  if (search >= ndb_results_count(results) || !results->results[search].plan) return nullptr;
  return results->results[search].plan->plan.c_str();
}

void ndb_results_free(ndb_results* results) { delete results; }
