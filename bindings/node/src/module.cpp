// The native module: init(makeError) once for each environment, then open and openSync.
#include <dlfcn.h>

#include <chrono>

#include "bindings/node/src/handles.hpp"

namespace ndb::node {
namespace {

// Called when the environment ends: threads that still run must not outlive what they call back.
void stop(Runtime* runtime) {
  runtime->stopping = true;
  runtime->quick.reset();
  for (auto& thread : runtime->threads)
    if (thread.joinable()) thread.join();
  runtime->threads.clear();
}

// Node unloads a module when the last environment that has it ends; a thread that was left behind (CollectionHandle::publish) still runs in it.
void stay_loaded() {
  static const char here = 0;
  Dl_info info{};
  if (dladdr(&here, &info) != 0) static_cast<void>(dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE));
}

// On the event loop, for each task of our own threads that is done.
void complete(napi_env env, napi_value, void*, void* data) {
  auto* task = static_cast<OwnTask*>(data);
  if (env != nullptr) task->complete(env, task);  // else it has ended, and neither promise nor references can be touched
}

// Made before stop() is registered, so that it lives until stop() has seen every thread end.
napi_threadsafe_function make_call_back(Napi::Env env) {
  napi_threadsafe_function made = nullptr;
  const Napi::String name = Napi::String::New(env, "ndb");
  NAPI_THROW_IF_FAILED(env, napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr, complete, &made), nullptr);
  napi_unref_threadsafe_function(env, made);
  return made;
}

Napi::Value init(const Napi::CallbackInfo& info) {
  Runtime::of(info.Env()).make_error = Napi::Persistent(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

// Waits, for so short a time that nobody notices, until there is something to take back; false if nothing is under way. Gently: where the
// processors are threads of one core, the search that is waited for would pay for haste.
Napi::Value linger(const Napi::CallbackInfo& info) {
  constexpr std::chrono::microseconds kMost{20};
  const Runtime& runtime = Runtime::of(info.Env());
  const auto end = std::chrono::steady_clock::now() + kMost;
  while (runtime.under_way != 0 && runtime.done.load(std::memory_order_relaxed) == runtime.taken_back && std::chrono::steady_clock::now() < end)
    relax();
  return Napi::Boolean::New(info.Env(), runtime.under_way != 0);
}

Napi::Object load(Napi::Env env, Napi::Object exports) {
  stay_loaded();
  auto* runtime = new Runtime;
  env.SetInstanceData(runtime);  // which deletes it
  runtime->database_class = Napi::Persistent(DatabaseHandle::define(env));
  runtime->collection_class = Napi::Persistent(CollectionHandle::define(env));
  runtime->call_back = make_call_back(env);
  env.AddCleanupHook([runtime] { stop(runtime); });
  exports["version"] = Napi::String::New(env, NDB_VERSION);
  exports["init"] = Napi::Function::New(env, init, "init");
  exports["linger"] = Napi::Function::New(env, linger, "linger");
  exports["open"] = Napi::Function::New(env, DatabaseHandle::open, "open");
  exports["openSync"] = Napi::Function::New(env, DatabaseHandle::open, "openSync", kSync);
  return exports;
}

}  // namespace
}  // namespace ndb::node

namespace {
Napi::Object load_ndb(Napi::Env env, Napi::Object exports) { return ndb::node::load(env, exports); }
}  // namespace
NODE_API_MODULE(ndb, load_ndb)
