#include "bindings/http/router.hpp"

#include <algorithm>
#include <array>

namespace ndb::http {
namespace {

constexpr std::array<Route, kActionCount> kRoutes{{
    {Action::healthz, "healthz", "GET", "healthz", Access::open, Place::io_thread, BodySize::none},
    {Action::readyz, "readyz", "GET", "readyz", Access::open, Place::blocking, BodySize::none},
    {Action::metrics, "metrics", "GET", "metrics", Access::read, Place::blocking, BodySize::none},
    {Action::version, "version", "GET", "version", Access::read, Place::io_thread, BodySize::none},
    {Action::list_collections, "list_collections", "GET", "v1/collections", Access::read, Place::blocking,
     BodySize::none},
    {Action::create_collection, "create_collection", "PUT", "v1/collections/{name}", Access::write, Place::blocking,
     BodySize::small},
    {Action::collection_stats, "collection_stats", "GET", "v1/collections/{name}", Access::read, Place::blocking,
     BodySize::none},
    {Action::drop_collection, "drop_collection", "DELETE", "v1/collections/{name}", Access::write, Place::blocking,
     BodySize::none},
    {Action::insert_documents, "insert_documents", "POST", "v1/collections/{name}/documents", Access::write,
     Place::blocking, BodySize::large, Query::none, true},
    {Action::get_document, "get_document", "GET", "v1/collections/{name}/documents/{id}", Access::read, Place::cpu,
     BodySize::none, Query::as_of},
    {Action::remove_document, "remove_document", "DELETE", "v1/collections/{name}/documents/{id}", Access::write,
     Place::blocking, BodySize::none},
    {Action::get_documents, "get_documents", "POST", "v1/collections/{name}/documents/get", Access::read, Place::cpu,
     BodySize::large, Query::none, true},
    {Action::delete_documents, "delete_documents", "POST", "v1/collections/{name}/documents/delete", Access::write,
     Place::blocking, BodySize::large},
    {Action::search, "search", "POST", "v1/collections/{name}/search", Access::read, Place::cpu, BodySize::small, Query::none, true},
    {Action::search_batch, "search_batch", "POST", "v1/collections/{name}/search/batch", Access::read, Place::cpu,
     BodySize::large},
    {Action::count, "count", "POST", "v1/collections/{name}/count", Access::read, Place::cpu, BodySize::small},
    {Action::scroll, "scroll", "POST", "v1/collections/{name}/scroll", Access::read, Place::cpu, BodySize::small},
    {Action::flush, "flush", "POST", "v1/collections/{name}/flush", Access::write, Place::blocking, BodySize::none, Query::wait},
    {Action::compact, "compact", "POST", "v1/collections/{name}/compact", Access::write, Place::blocking,
     BodySize::none, Query::wait},
    {Action::build_index, "build_index", "POST", "v1/collections/{name}/index", Access::write, Place::blocking,
     BodySize::none, Query::wait},
    {Action::drop_index, "drop_index", "DELETE", "v1/collections/{name}/index", Access::write, Place::blocking,
     BodySize::none, Query::wait},
    {Action::manifest, "manifest", "GET", "v1/collections/{name}/manifest", Access::read, Place::blocking,
     BodySize::none, Query::as_of},
    {Action::history, "history", "GET", "v1/collections/{name}/history", Access::read, Place::blocking, BodySize::none},
    {Action::set_history, "set_history", "PUT", "v1/collections/{name}/history", Access::write, Place::blocking,
     BodySize::none},
    {Action::replicas, "replicas", "GET", "v1/collections/{name}/replicas", Access::read, Place::blocking,
     BodySize::none},
    {Action::report_replica, "report_replica", "POST", "v1/collections/{name}/replicas", Access::write, Place::blocking,
     BodySize::none},
    {Action::wal, "wal", "GET", "v1/collections/{name}/wal", Access::read, Place::blocking, BodySize::none, Query::place},
    {Action::page, "page", "GET", "", Access::read, Place::io_thread, BodySize::none},
    {Action::page_script, "page_script", "GET", "page/app.js", Access::read, Place::io_thread, BodySize::none},
    {Action::page_style, "page_style", "GET", "page/style.css", Access::read, Place::io_thread, BodySize::none},
}};

// Whether `segments` fit the pattern; fills the names of `match` in.
bool fits(std::string_view pattern, std::span<const std::string> segments, RouteMatch& match) {
  for (const std::string& segment : segments) {
    if (pattern.empty()) return false;
    const std::string_view part = pattern.substr(0, pattern.find('/'));
    if (part == "{name}")
      match.name = segment;
    else if (part == "{id}")
      match.id = segment;
    else if (part != segment)
      return false;
    pattern.remove_prefix(std::min(pattern.size(), part.size() + 1));
  }
  return pattern.empty();
}

}  // namespace

std::span<const Route> routes() noexcept {
  return kRoutes;
}

RouteMatch match_route(std::string_view method, std::span<const std::string> segments) {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  RouteMatch match;
  for (const Route& route : kRoutes) {
    RouteMatch candidate;
    if (!fits(route.pattern, segments, candidate)) continue;
    if (route.method == wanted) {
      candidate.route = &route;
      return candidate;
    }
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += route.method == "GET" ? "GET, HEAD" : route.method;
  }
  return match;
}

}  // namespace ndb::http
