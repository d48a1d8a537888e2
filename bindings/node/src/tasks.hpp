// How a call runs: at once for the ...Sync methods; otherwise off the event loop, answered through a promise. Searches and look-ups have threads
// that are quick to answer (quick_pool.hpp). Writes take a thread of libuv's pool, for a disk may keep them waiting. What may wait for long
// (for a write, flush, compaction, index builds) gets a thread of its own: a few of those would take all of a pool.
//
// Threads: everything runs on the thread of the environment but for a task's work, which touches no JavaScript.
#pragma once

#include <napi.h>

#include <atomic>
#include <exception>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/node/src/quick_pool.hpp"
#include "ndb/ndb.hpp"

namespace ndb::node {

/// What each environment (the main thread, or a worker) has of its own.
struct Runtime {
  Napi::FunctionReference make_error;  ///< (code, message, field) -> Error, given by the JavaScript side
  Napi::FunctionReference database_class, collection_class;
  napi_threadsafe_function call_back = nullptr;  ///< takes an OwnTask that is done back to the event loop
  std::size_t under_way = 0;                     ///< such tasks; the event loop goes on while there are any
  std::list<std::thread> threads;                ///< of those that have one
  std::optional<QuickPool> quick{std::in_place};
  std::atomic<bool> stopping{false};             ///< the environment ends: who waits should stop
  std::shared_ptr<std::vector<float>> spare = std::make_shared<std::vector<float>>();  ///< memory for copies of large batches

  /// That of the environment.
  [[nodiscard]] static Runtime& of(Napi::Env env) { return *env.GetInstanceData<Runtime>(); }
  std::atomic<std::size_t> done{0};  ///< tasks that their threads are through with, ever
  std::size_t taken_back = 0;        ///< of those, how many the event loop has taken back

  /// Keeps the event loop going for one task more, or less.
  void began(Napi::Env env) {
    if (under_way++ == 0) napi_ref_threadsafe_function(env, call_back);
  }
  void ended(Napi::Env env) {
    ++taken_back;
    if (--under_way == 0) napi_unref_threadsafe_function(env, call_back);
  }
};

/// A task that runs on a thread of ours: what the event loop does when it is done.
struct OwnTask : QuickPool::Job {
  void (*complete)(Napi::Env env, OwnTask* self) = nullptr;
  Runtime* runtime = nullptr;
  std::list<std::thread>::iterator thread{};

  /// The last that the thread does with it.
  void done() {
    Runtime& its = *runtime;
    static_cast<void>(napi_call_threadsafe_function(its.call_back, this, napi_tsfn_blocking));
    its.done.fetch_add(1, std::memory_order_relaxed);  // a hint for linger()
  }
};

enum class Runs { quick, pooled, on_own_thread };

/// The Error object that JavaScript gets.
[[nodiscard]] Napi::Value error_value(Napi::Env env, const Error& error);
/// Throws it.
[[noreturn]] void raise(Napi::Env env, const Error& error);
[[noreturn]] void raise(Napi::Env env, ErrorCode code, std::string message, std::string field);

/// Given as the data of methods that answer at once.
inline void* const kSync = reinterpret_cast<void*>(1);

/// work() with what it throws as an Error.
template <class Work>
std::invoke_result_t<Work&> guarded(Work& work) noexcept {
  try {
    return work();
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::internal, thrown.what());
  }
}

/// A call under way: work() -> Result<T> off the event loop, then deliver(env, T&&) -> Napi::Value on it.
template <class Work, class Deliver>
struct Task : OwnTask {
  using Answer = std::invoke_result_t<Work&>;

  Work work;
  Deliver deliver;
  Napi::ObjectReference kept;  ///< whose memory work() reads
  napi_deferred deferred = nullptr;
  napi_async_work pooled = nullptr;
  std::optional<Answer> answer{};

  Task(Work the_work, Deliver the_deliver) : work(std::move(the_work)), deliver(std::move(the_deliver)) {}

  void settle(Napi::Env env) {
    const Napi::HandleScope scope(env);
    try {
      if (!*answer) napi_reject_deferred(env, deferred, error_value(env, answer->error()));
      else napi_resolve_deferred(env, deferred, delivered(env));
    } catch (const Napi::Error& thrown) {
      napi_reject_deferred(env, deferred, thrown.Value());
    }
  }

  Napi::Value delivered(Napi::Env env) {
    if constexpr (std::is_void_v<typename Answer::value_type>) return deliver(env);
    else return deliver(env, std::move(**answer));
  }
};

template <class T>
void start_in_pool(Napi::Env env, std::unique_ptr<T> task) {
  const auto execute = [](napi_env, void* data) {
    auto& self = *static_cast<T*>(data);
    self.answer.emplace(guarded(self.work));
  };
  const auto complete = [](napi_env raw, napi_status status, void* data) {
    const std::unique_ptr<T> self(static_cast<T*>(data));
    napi_delete_async_work(raw, self->pooled);
    if (status == napi_ok) self->settle(raw);
  };
  const Napi::String name = Napi::String::New(env, "ndb");
  NAPI_THROW_IF_FAILED_VOID(env, napi_create_async_work(env, nullptr, name, execute, complete, task.get(), &task->pooled));
  NAPI_THROW_IF_FAILED_VOID(env, napi_queue_async_work(env, task->pooled));
  static_cast<void>(task.release());  // complete() deletes it
}

template <class T>
void start_quickly(Napi::Env env, std::unique_ptr<T> task) {
  auto& runtime = Runtime::of(env);
  task->runtime = &runtime;
  task->perform = [](QuickPool::Job* job) {
    auto* self = static_cast<T*>(job);
    self->answer.emplace(guarded(self->work));
    self->done();
  };
  task->drop = [](QuickPool::Job* job) { delete static_cast<T*>(job); };
  task->complete = [](Napi::Env at, OwnTask* own) {
    const std::unique_ptr<T> self(static_cast<T*>(own));
    Runtime::of(at).ended(at);
    self->settle(at);
  };
  runtime.began(env);
  runtime.quick->submit(task.release());  // complete() deletes it
}

template <class T>
void start_on_thread(Napi::Env env, std::unique_ptr<T> task) {
  auto& runtime = Runtime::of(env);
  T* self = task.release();  // complete() deletes it
  self->runtime = &runtime;
  self->complete = [](Napi::Env at, OwnTask* own) {
    const std::unique_ptr<T> ended(static_cast<T*>(own));
    ended->thread->join();
    Runtime::of(at).threads.erase(ended->thread);
    Runtime::of(at).ended(at);
    ended->settle(at);
  };
  runtime.began(env);
  self->thread = runtime.threads.emplace(runtime.threads.end());
  *self->thread = std::thread([self] {
    self->answer.emplace(guarded(self->work));
    self->done();
  });
}

/// Runs it as the method was called. kept: an object whose memory work() reads, or nothing.
template <class Work, class Deliver>
Napi::Value run(const Napi::CallbackInfo& info, Work work, Deliver deliver, Napi::Value kept = {}, Runs where = Runs::pooled) {
  using T = Task<Work, Deliver>;
  const Napi::Env env = info.Env();
  if (info.Data() == kSync) {
    T task(std::move(work), std::move(deliver));
    task.answer.emplace(guarded(task.work));
    if (!*task.answer) raise(env, task.answer->error());
    return task.delivered(env);
  }
  auto task = std::make_unique<T>(std::move(work), std::move(deliver));
  if (!kept.IsEmpty() && kept.IsObject()) task->kept = Napi::Persistent(kept.As<Napi::Object>());
  napi_value promise = nullptr;
  NAPI_THROW_IF_FAILED(env, napi_create_promise(env, &task->deferred, &promise), Napi::Value());
  if (where == Runs::quick) start_quickly(env, std::move(task));
  else if (where == Runs::pooled) start_in_pool(env, std::move(task));
  else start_on_thread(env, std::move(task));
  return {env, promise};
}

}  // namespace ndb::node
