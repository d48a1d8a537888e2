// Routes over older versions of a collection.
#include "bindings/http/routes.hpp"
#include "ipc/http/codec/answer_codec.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {

Result<Collection> Routes::collection_at(const Call& call, const AsOf& as_of) {
  NDB_TRY_ASSIGN(Collection collection, backend_.collection(call.collection));
  if (as_of.version) return collection.at_version(*as_of.version);
  if (as_of.time) return collection.at_time(*as_of.time);
  return collection;
}

Result<Response> Routes::history(const Call& call) {
  NDB_TRY_ASSIGN(const Collection collection, backend_.collection(call.collection));
  NDB_TRY_ASSIGN(const CollectionStats stats, collection.stats());
  NDB_TRY_ASSIGN(const std::vector<VersionInfo> versions, collection.versions());
  return ok(encode_history(stats, versions));
}

Result<Response> Routes::set_history(const Call& call) {
  NDB_TRY_ASSIGN(Collection collection, backend_.collection(call.collection));
  NDB_TRY_ASSIGN(const CollectionStats stats, collection.stats());
  NDB_TRY_ASSIGN(const HistoryConfig history, parse_history(call.request.body, stats.config.history));
  NDB_TRY_ASSIGN(const ManifestVersion version, collection.set_history(history));
  return ok(encode_manifest_version(version));
}

}  // namespace ndb::http
