#include <algorithm>
#include <limits>

#include "bindings/c/handles.hpp"

using ndb::Result;
using ndb::Status;
using ndb::c::guarded;
using ndb::c::handed_out;
using ndb::c::require;

namespace {

Result<ndb::DatabaseOptions> options_from(const ndb_options& given) {
  if (given.merge_mb_per_second > std::numeric_limits<std::uint32_t>::max())
    return ndb::fail(ndb::ErrorCode::invalid_argument, "merge_mb_per_second is " + std::to_string(given.merge_mb_per_second), "merge_mb_per_second");
  return ndb::DatabaseOptions{.read_only = given.read_only,
                              .memtable_bytes = given.memtable_bytes,
                              .sync_interval = std::chrono::milliseconds(given.sync_interval_ms),
                              .poll_interval = std::chrono::milliseconds(given.poll_interval_ms),
                              .gc_grace = std::chrono::milliseconds(given.gc_grace_ms),
                              .index_threads = given.index_threads,
                              .index_min_rows = given.index_min_rows,
                              .segment_max_rows = given.segment_max_rows,
                              .merge_mb_per_second = static_cast<std::uint32_t>(given.merge_mb_per_second),
                              .shared_memory = given.shared_memory};
}

// The caller's bytes may be no value that the C++ enumeration can hold, so they are not read as one.
template <class Enum, class Given>
Result<Enum> enum_from(const Given& given, Enum last, const char* field) {
  unsigned value = 0;
  static_assert(sizeof value == sizeof given);
  std::memcpy(&value, &given, sizeof value);
  if (value > static_cast<unsigned>(last))
    return ndb::fail(ndb::ErrorCode::invalid_argument, std::string(field) + " is " + std::to_string(value) + ", which means nothing", field);
  return static_cast<Enum>(value);
}

Result<std::vector<std::string>> texts_from(const char* const* texts, std::size_t count, const char* field) {
  std::vector<std::string> read;
  if (count > 0) NDB_TRY(require(texts, field));
  for (std::size_t i = 0; i < count; ++i) {
    NDB_TRY(require(texts[i], std::string(field) + "[" + std::to_string(i) + "]"));
    read.emplace_back(texts[i]);
  }
  return read;
}

Result<ndb::CollectionConfig> config_from(const ndb_collection_config* given) {
  NDB_TRY(require(given, "config"));
  NDB_TRY_ASSIGN(const auto read, ndb::c::read_sized(given, ndb_collection_config(NDB_COLLECTION_CONFIG_INIT), "config"));
  ndb::CollectionConfig config;
  config.dim = read.dim;
  NDB_TRY_ASSIGN(config.distance, enum_from(read.distance, ndb::Distance::euclidean, "distance"));
  NDB_TRY_ASSIGN(config.durability, enum_from(read.durability, ndb::Durability::sync, "durability"));
  NDB_TRY_ASSIGN(config.hnsw.quantization, enum_from(read.quantization, ndb::Quantization::rabitq, "hnsw.quantization"));
  config.hnsw.m = read.hnsw_m;
  config.hnsw.ef_construction = read.hnsw_ef_construction;
  config.hnsw.ef_search = read.hnsw_ef_search;
  NDB_TRY_ASSIGN(config.attributes.only, texts_from(read.attributes_only, read.attributes_only_count, "attributes.only"));
  NDB_TRY_ASSIGN(config.attributes.never, texts_from(read.attributes_never, read.attributes_never_count, "attributes.never"));
  return config;
}

}  // namespace

ndb_code ndb_open(const char* folder, const ndb_options* options, ndb_database** out, ndb_error** error) {
  return handed_out(out, error, [&]() -> Result<ndb_database*> {
    NDB_TRY(require(folder, "folder"));
    NDB_TRY_ASSIGN(const auto read, ndb::c::read_sized(options, ndb_options(NDB_OPTIONS_INIT), "options"));
    NDB_TRY_ASSIGN(const auto opened_with, options_from(read));
    NDB_TRY_ASSIGN(auto database, ndb::Database::open(folder, opened_with));
    return new ndb_database{std::move(database)};
  });
}

ndb_code ndb_close(ndb_database* database, ndb_error** error) {
  const ndb_code code = guarded(error, [&]() -> Status { return database == nullptr ? Status{} : database->database.close(); });
  ndb_release(database);
  return code;
}

void ndb_release(ndb_database* database) { delete database; }

ndb_code ndb_create_collection(ndb_database* database, const char* name, const ndb_collection_config* config, ndb_collection** out,
                               ndb_error** error) {
  return handed_out(out, error, [&]() -> Result<ndb_collection*> {
    NDB_TRY(require(database, "database"));
    NDB_TRY(require(name, "name"));
    NDB_TRY_ASSIGN(const auto wanted, config_from(config));
    NDB_TRY_ASSIGN(auto collection, database->database.create_collection(name, wanted));
    return new ndb_collection{std::move(collection)};
  });
}

ndb_code ndb_get_collection(ndb_database* database, const char* name, ndb_collection** out, ndb_error** error) {
  return handed_out(out, error, [&]() -> Result<ndb_collection*> {
    NDB_TRY(require(database, "database"));
    NDB_TRY(require(name, "name"));
    NDB_TRY_ASSIGN(auto collection, database->database.get_collection(name));
    return new ndb_collection{std::move(collection)};
  });
}

ndb_code ndb_has_collection(ndb_database* database, const char* name, bool* out, ndb_error** error) {
  return guarded(error, [&]() -> Status {
    NDB_TRY(require(database, "database"));
    NDB_TRY(require(name, "name"));
    NDB_TRY(require(out, "out"));
    NDB_TRY_ASSIGN(const auto names, database->database.list_collections());  // which says why it cannot tell, if so
    *out = std::ranges::find(names, std::string_view(name)) != names.end();
    return {};
  });
}

ndb_code ndb_list_collections(ndb_database* database, ndb_strings** out, ndb_error** error) {
  return handed_out(out, error, [&]() -> Result<ndb_strings*> {
    NDB_TRY(require(database, "database"));
    NDB_TRY_ASSIGN(auto names, database->database.list_collections());
    return new ndb_strings{std::move(names)};
  });
}

ndb_code ndb_drop_collection(ndb_database* database, const char* name, ndb_error** error) {
  return guarded(error, [&]() -> Status {
    NDB_TRY(require(database, "database"));
    NDB_TRY(require(name, "name"));
    return database->database.drop_collection(name);
  });
}
