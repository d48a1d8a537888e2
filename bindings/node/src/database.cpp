#include <algorithm>

#include "bindings/node/src/handles.hpp"

namespace ndb::node {
namespace {

// A whole number of an options object, if it is given.
template <class T>
void read(const Napi::Object& options, const char* name, T& into) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return;
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1.0;
  const double most = std::is_same_v<T, std::uint32_t> ? 0x1p32 - 1 : 0x1p53 - 1;
  if (!(number >= 0 && number <= most) || static_cast<double>(static_cast<std::uint64_t>(number)) != number)
    raise(options.Env(), ErrorCode::invalid_argument, std::string(name) + " is no whole number in range", name);
  if constexpr (std::is_same_v<T, std::chrono::milliseconds>) into = T(static_cast<std::int64_t>(number));
  else into = static_cast<T>(number);
}

void read(const Napi::Object& options, const char* name, bool& into) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return;
  if (!value.IsBoolean()) raise(options.Env(), ErrorCode::invalid_argument, std::string(name) + " is no boolean", name);
  into = value.As<Napi::Boolean>();
}

void read(const Napi::Object& options, const char* name, std::vector<std::string>& into) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return;
  if (!value.IsArray()) raise(options.Env(), ErrorCode::invalid_argument, std::string(name) + " is no array", name);
  const auto array = value.As<Napi::Array>();
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value text = array[i];
    const auto field = std::string(name) + "[" + std::to_string(i) + "]";
    if (!text.IsString()) raise(options.Env(), ErrorCode::invalid_argument, field + " is no string", field.c_str());
    into.push_back(text_of(text));
  }
}

// One of the names that `parse` knows.
template <class T, class Parse>
void read_name(const Napi::Object& options, const char* name, T& into, Parse parse) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return;
  const auto parsed = value.IsString() ? parse(text_of(value)) : std::nullopt;
  if (!parsed) raise(options.Env(), ErrorCode::invalid_argument, std::string(name) + " is none of its names", name);
  into = *parsed;
}

DatabaseOptions database_options(const Napi::Object& given) {
  DatabaseOptions options;
  read(given, "readOnly", options.read_only);
  read(given, "sharedMemory", options.shared_memory);
  read(given, "memtableBytes", options.memtable_bytes);
  read(given, "syncIntervalMs", options.sync_interval);
  read(given, "pollIntervalMs", options.poll_interval);
  read(given, "gcGraceMs", options.gc_grace);
  read(given, "indexThreads", options.index_threads);
  read(given, "indexMinRows", options.index_min_rows);
  read(given, "segmentMaxRows", options.segment_max_rows);
  read(given, "mergeMbPerSecond", options.merge_mb_per_second);
  return options;
}

CollectionConfig collection_config(const Napi::Object& given) {
  CollectionConfig config;
  read(given, "dim", config.dim);
  read_name(given, "distance", config.distance, [](const std::string& name) { return distance_from_name(name); });
  read_name(given, "durability", config.durability, [](const std::string& name) { return durability_from_name(name); });
  read(given, "m", config.hnsw.m);
  read(given, "efConstruction", config.hnsw.ef_construction);
  read(given, "efSearch", config.hnsw.ef_search);
  read_name(given, "quantization", config.hnsw.quantization, [](const std::string& name) { return quantization_from_name(name); });
  read(given, "attributesOnly", config.attributes.only);
  read(given, "attributesNever", config.attributes.never);
  return config;
}

Napi::Value undefined(Napi::Env env) { return env.Undefined(); }

}  // namespace

Napi::Function DatabaseHandle::define(Napi::Env env) {
  Methods<DatabaseHandle> methods;
  methods.add("createCollection", &DatabaseHandle::create_collection);
  methods.add("getCollection", &DatabaseHandle::get_collection);
  methods.add("hasCollection", &DatabaseHandle::has_collection);
  methods.add("listCollections", &DatabaseHandle::list_collections);
  methods.add("dropCollection", &DatabaseHandle::drop_collection);
  methods.add("close", &DatabaseHandle::close);
  return DefineClass(env, "DatabaseHandle", methods.properties);
}

Napi::Value DatabaseHandle::open(const Napi::CallbackInfo& info) {
  const auto options = database_options(info[1].As<Napi::Object>());
  const auto wrap = [](Napi::Env env, Database&& database) -> Napi::Value {
    const Napi::Object object = Runtime::of(env).database_class.New({});
    Unwrap(object)->database_.emplace(std::move(database));
    return object;
  };
  return run(info, [path = text_of(info[0]), options] { return Database::open(path, options); }, wrap);
}

Napi::Value DatabaseHandle::create_collection(const Napi::CallbackInfo& info) {
  const auto config = collection_config(info[1].As<Napi::Object>());
  return run(info, [database = *database_, name = text_of(info[0]), config]() mutable { return database.create_collection(name, config); },
             [](Napi::Env env, Collection&& made) { return CollectionHandle::wrap(env, std::move(made)); });
}

Napi::Value DatabaseHandle::get_collection(const Napi::CallbackInfo& info) {
  return run(info, [database = *database_, name = text_of(info[0])] { return database.get_collection(name); },
             [](Napi::Env env, Collection&& found) { return CollectionHandle::wrap(env, std::move(found)); });
}

Napi::Value DatabaseHandle::has_collection(const Napi::CallbackInfo& info) {
  return run(info, [database = *database_, name = text_of(info[0])]() -> Result<bool> {
               const auto names = database.list_collections();  // which says why it cannot tell, if so
               if (!names) return std::unexpected(names.error());
               return std::ranges::find(*names, name) != names->end();
             },
             [](Napi::Env env, bool there) -> Napi::Value { return Napi::Boolean::New(env, there); });
}

Napi::Value DatabaseHandle::list_collections(const Napi::CallbackInfo& info) {
  const auto deliver = [](Napi::Env env, std::vector<std::string>&& names) -> Napi::Value {
    auto array = Napi::Array::New(env, names.size());
    for (std::uint32_t i = 0; i < names.size(); ++i) array[i] = Napi::String::New(env, names[i]);
    return array;
  };
  return run(info, [database = *database_] { return database.list_collections(); }, deliver);
}

Napi::Value DatabaseHandle::drop_collection(const Napi::CallbackInfo& info) {
  return run(info, [database = *database_, name = text_of(info[0])]() mutable { return database.drop_collection(name); }, undefined);
}

Napi::Value DatabaseHandle::close(const Napi::CallbackInfo& info) {
  const auto close = [database = *database_]() mutable -> Status {
    auto closed = database.close();
    if (!closed && closed.error().code == ErrorCode::unavailable) return {};  // it was closed before, perhaps through another object
    return closed;
  };
  return run(info, close, undefined, {}, Runs::on_own_thread);
}

}  // namespace ndb::node
