// The table of routes: which method and path is which action, and what each needs. Threads: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/http/access.hpp"

namespace ndb::http {

enum class Action : std::uint8_t {
  healthz,
  readyz,
  metrics,
  version,
  list_collections,
  create_collection,
  collection_stats,
  drop_collection,
  insert_documents,
  get_document,
  remove_document,
  get_documents,
  delete_documents,
  search,
  search_batch,
  count,
  scroll,
  flush,
  compact,
  build_index,
  drop_index,
  manifest,
  history,
  set_history,
  replicas,
  report_replica,
  wal,
  page,
  page_script,
  page_style,
};
inline constexpr std::size_t kActionCount = static_cast<std::size_t>(Action::page_style) + 1;

/// Where an action runs.
enum class Place : std::uint8_t {
  io_thread,  ///< at once: it touches neither storage nor much of the processor
  cpu,        ///< Lane::cpu
  blocking,   ///< Lane::blocking: it may wait for the disk or for another process
};

/// How much body an action takes.
enum class BodySize : std::uint8_t {
  none,   ///< it has no use for one; kNoBodyBytes are suffered
  small,  ///< kSmallBodyBytes: a vector, a filter, a configuration
  large,  ///< as much as the server takes
};
inline constexpr std::uint64_t kNoBodyBytes = 64ULL << 10;
inline constexpr std::uint64_t kSmallBodyBytes = 16ULL << 20;

/// What a route's query may name.
enum class Query : std::uint8_t {
  none,
  wait,   ///< "wait"
  as_of,  ///< "at_version" and "at_time"
  place,  ///< a place in the log; the route looks itself
};

struct Route {
  Action action;
  std::string_view name;  ///< of the action, for metrics and logs
  std::string_view method;
  std::string_view pattern;  ///< "v1/collections/{name}/documents/{id}"
  Access access;
  Place place;
  BodySize body;
  Query query = Query::none;
  bool takes_flatbuffers = false;  ///< its body may be a FlatBuffer
};

struct RouteMatch {
  const Route* route = nullptr;  ///< null: no such path, or not with that method
  std::string allow;             ///< the methods that the path knows, for 405; empty if there is no such path
  std::string name;              ///< the collection
  std::string id;                ///< the document
};

[[nodiscard]] std::span<const Route> routes() noexcept;
/// `segments`: the decoded path. HEAD finds what GET finds.
[[nodiscard]] RouteMatch match_route(std::string_view method, std::span<const std::string> segments);

}  // namespace ndb::http
