// The native classes: a Database and a Collection of the engine each behind a JavaScript object of its own. The package's JavaScript wraps
// them; every method exists twice, once answering a promise and once, as ...Sync, at once.
//
// Threads: as tasks.hpp says; the engine's objects may be used from any.
#pragma once

#include <napi.h>

#include <optional>
#include <string>

#include "bindings/node/src/convert.hpp"
#include "bindings/node/src/tasks.hpp"
#include "ndb/ndb.hpp"

namespace ndb::node {

class CollectionHandle : public Napi::ObjectWrap<CollectionHandle> {
 public:
  explicit CollectionHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {}
  [[nodiscard]] static Napi::Function define(Napi::Env env);
  [[nodiscard]] static Napi::Value wrap(Napi::Env env, Collection collection);

 private:
  Napi::Value config(const Napi::CallbackInfo& info);
  Napi::Value insert(const Napi::CallbackInfo& info);
  Napi::Value insert_batch(const Napi::CallbackInfo& info);
  Napi::Value get(const Napi::CallbackInfo& info);
  Napi::Value get_many(const Napi::CallbackInfo& info);
  Napi::Value remove(const Napi::CallbackInfo& info);
  Napi::Value remove_many(const Napi::CallbackInfo& info);
  Napi::Value remove_where(const Napi::CallbackInfo& info);
  Napi::Value count(const Napi::CallbackInfo& info);
  Napi::Value scroll(const Napi::CallbackInfo& info);
  Napi::Value search(const Napi::CallbackInfo& info);
  Napi::Value search_batch(const Napi::CallbackInfo& info);
  Napi::Value flush(const Napi::CallbackInfo& info);
  Napi::Value compact(const Napi::CallbackInfo& info);
  Napi::Value rebuild_index(const Napi::CallbackInfo& info);
  Napi::Value delete_index(const Napi::CallbackInfo& info);
  Napi::Value has_index(const Napi::CallbackInfo& info);
  Napi::Value index_stats(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
  Napi::Value manifest(const Napi::CallbackInfo& info);
  Napi::Value replicas(const Napi::CallbackInfo& info);
  Napi::Value wait_for(const Napi::CallbackInfo& info);
  Napi::Value acquire_write_lock(const Napi::CallbackInfo& info);
  /// flush, compact and rebuild_index: (wait) -> the manifest's version.
  template <class Publish>
  Napi::Value publish(const Napi::CallbackInfo& info, Publish publish);

  std::optional<Collection> collection_;  // set by wrap()
};

class DatabaseHandle : public Napi::ObjectWrap<DatabaseHandle> {
 public:
  explicit DatabaseHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {}
  [[nodiscard]] static Napi::Function define(Napi::Env env);
  /// open(path, options); as openSync it answers at once.
  [[nodiscard]] static Napi::Value open(const Napi::CallbackInfo& info);

 private:
  Napi::Value create_collection(const Napi::CallbackInfo& info);
  Napi::Value get_collection(const Napi::CallbackInfo& info);
  Napi::Value has_collection(const Napi::CallbackInfo& info);
  Napi::Value list_collections(const Napi::CallbackInfo& info);
  Napi::Value drop_collection(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  std::optional<Database> database_;  // set by open()
};

/// The methods of a class, each twice: as it is called, and as ...Sync.
template <class Handle>
struct Methods {
  using Wrap = Napi::ObjectWrap<Handle>;

  void add(const std::string& name, Napi::Value (Handle::*method)(const Napi::CallbackInfo&), void* data = nullptr) {
    properties.push_back(Wrap::InstanceMethod(names.emplace_back(name).c_str(), method, napi_default, data));
    if (data == nullptr) add(name + "Sync", method, kSync);
  }

  std::list<std::string> names;  // whose texts the descriptors point to
  std::vector<Napi::ClassPropertyDescriptor<Handle>> properties;
};

}  // namespace ndb::node
