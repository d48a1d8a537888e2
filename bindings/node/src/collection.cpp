#include <fmt/format.h>

#include <future>
#include <thread>

#include "bindings/node/src/handles.hpp"
#include "ipc/http/codec/answer_codec.hpp"

namespace ndb::node {
namespace {

constexpr std::chrono::milliseconds kSlice{100};  // who waits looks that often whether the environment ends

// What a search is asked for beside its vector, in the order in which the JavaScript side passes it after the query:
// topK, flags, ef (0: not given), recall (0: not given), filter, minSeq, timeoutMs (0: not given).
struct SearchOptions {
  enum Flag : std::uint32_t { kApproximate = 1, kWithPayload = 2, kWithVector = 4, kExplain = 8 };

  SearchOptions(const Napi::CallbackInfo& info, std::size_t first)
      : top_k(small(info, first, "topK")), flags(small(info, first + 1, "flags")), ef(small(info, first + 2, "ef")),
        recall(info[first + 3].As<Napi::Number>().DoubleValue()), filter(filter_of(info, first + 4)),
        min_seq(whole(info, first + 5, "minSeq")), timeout_ms(small(info, first + 6, "timeoutMs")) {}

  [[nodiscard]] bool has(Flag flag) const { return (flags & flag) != 0; }
  /// Whether it may have to wait.
  [[nodiscard]] Runs runs() const { return min_seq == 0 ? Runs::quick : Runs::pooled; }
  [[nodiscard]] Search search(std::span<const float> query) const {
    Search made(query);
    made.top_k(top_k).approximate(has(kApproximate)).filter(filter).with_payload(has(kWithPayload)).with_vector(has(kWithVector));
    made.min_seq(Seq{min_seq}).explain(has(kExplain));
    if (ef != 0) made.ef(ef);
    if (recall != 0) made.recall(recall);
    if (timeout_ms != 0) made.timeout(std::chrono::milliseconds(timeout_ms));
    return made;
  }

  std::uint32_t top_k, flags, ef;
  double recall;
  Filter filter;
  std::uint64_t min_seq;
  std::uint32_t timeout_ms;
};

Napi::Value text_value(Napi::Env env, const std::string& text) { return Napi::String::New(env, text); }

Napi::Value version_value(Napi::Env env, ManifestVersion version) { return Napi::Number::New(env, static_cast<double>(version.value)); }

Napi::Value deliver_write(Napi::Env env, const WriteResult& result) { return write_value(env, result); }

Napi::Value page_value(Napi::Env env, std::vector<Document>&& documents, const std::vector<std::string>& missing,
                       const std::optional<std::string>& next) {
  auto page = Napi::Object::New(env);
  page["documents"] = documents_value(env, std::move(documents));
  auto names = Napi::Array::New(env, missing.size());
  for (std::uint32_t i = 0; i < missing.size(); ++i) names[i] = Napi::String::New(env, missing[i]);
  page["missing"] = names;
  page["next"] = next ? Napi::Value(Napi::String::New(env, *next)) : env.Null();
  return page;
}

}  // namespace

Napi::Function CollectionHandle::define(Napi::Env env) {
  using Self = CollectionHandle;
  Methods<Self> methods;
  methods.properties.push_back(InstanceMethod("config", &Self::config));
  methods.add("insert", &Self::insert);
  methods.add("insertBatch", &Self::insert_batch);
  methods.add("get", &Self::get);
  methods.add("getMany", &Self::get_many);
  methods.add("remove", &Self::remove);
  methods.add("removeMany", &Self::remove_many);
  methods.add("removeWhere", &Self::remove_where);
  methods.add("count", &Self::count);
  methods.add("scroll", &Self::scroll);
  methods.add("search", &Self::search);
  methods.add("searchBatch", &Self::search_batch);
  methods.add("flush", &Self::flush);
  methods.add("compact", &Self::compact);
  methods.add("rebuildIndex", &Self::rebuild_index);
  methods.add("deleteIndex", &Self::delete_index);
  methods.add("hasIndex", &Self::has_index);
  methods.add("indexStats", &Self::index_stats);
  methods.add("stats", &Self::stats);
  methods.add("manifest", &Self::manifest);
  methods.add("replicas", &Self::replicas);
  methods.add("waitFor", &Self::wait_for);
  methods.add("acquireWriteLock", &Self::acquire_write_lock);
  return DefineClass(env, "CollectionHandle", methods.properties);
}

Napi::Value CollectionHandle::wrap(Napi::Env env, Collection collection) {
  const Napi::Object object = Runtime::of(env).collection_class.New({});
  Unwrap(object)->collection_.emplace(std::move(collection));
  return object;
}

Napi::Value CollectionHandle::config(const Napi::CallbackInfo& info) {
  const auto& config = collection_->config();
  const Napi::Env env = info.Env();
  auto object = Napi::Object::New(env);
  object["name"] = text_value(env, collection_->name());
  object["dim"] = Napi::Number::New(env, config.dim);
  object["distance"] = text_value(env, std::string(distance_name(config.distance)));
  object["durability"] = text_value(env, std::string(durability_name(config.durability)));
  object["m"] = Napi::Number::New(env, config.hnsw.m);
  object["efConstruction"] = Napi::Number::New(env, config.hnsw.ef_construction);
  object["efSearch"] = Napi::Number::New(env, config.hnsw.ef_search);
  object["quantization"] = text_value(env, std::string(quantization_name(config.hnsw.quantization)));
  const auto list = [&](const std::vector<std::string>& texts) {
    auto array = Napi::Array::New(env, texts.size());
    for (std::uint32_t i = 0; i < texts.size(); ++i) array[i] = text_value(env, texts[i]);
    return array;
  };
  object["attributesOnly"] = list(config.attributes.only);
  object["attributesNever"] = list(config.attributes.never);
  return object;
}

// (id, Float32Array, payload)
Napi::Value CollectionHandle::insert(const Napi::CallbackInfo& info) {
  auto insert = [to = *collection_, id = text_of(info[0]), vector = InputFloats(info, info[1]), payload = text_or_none(info[2])]() mutable {
    return to.insert({.id = id, .vector = vector.floats(), .payload = payload});
  };
  return run(info, std::move(insert), deliver_write);
}

// (ids, Float32Array of all vectors, payloads or null, whether only the package knows that array)
Napi::Value CollectionHandle::insert_batch(const Napi::CallbackInfo& info) {
  auto ids = texts_of(info[0]);
  const std::size_t dim_of_all = collection_->config().dim;
  const std::size_t count = floats_of(info[1]).size();
  auto payloads = info[2].IsArray() ? texts_of(info[2]) : std::vector<std::string>{};
  if (ids.size() * dim_of_all != count)
    raise(info.Env(), ErrorCode::invalid_argument,
          fmt::format("there are {} numbers for {} ids; the collection has dim {}", count, ids.size(), dim_of_all), "vectors");
  const bool ours = info[3].ToBoolean();
  auto insert = [to = *collection_, ids = std::move(ids), vectors = InputFloats(info, info[1], ours), payloads = std::move(payloads)]() mutable {
    const std::size_t dim = to.config().dim;
    std::vector<DocumentView> documents;
    documents.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i)
      documents.push_back({.id = ids[i], .vector = vectors.floats().subspan(i * dim, dim), .payload = payloads.empty() ? std::string_view{} : payloads[i]});
    return to.insert_batch(std::span<const DocumentView>(documents));
  };
  return run(info, std::move(insert), deliver_write, ours ? info[1] : Napi::Value());
}

Napi::Value CollectionHandle::get(const Napi::CallbackInfo& info) {
  const auto deliver = [](Napi::Env env, Document&& document) {
    std::vector<Document> one;
    one.push_back(std::move(document));
    return documents_value(env, std::move(one));
  };
  return run(info, [from = *collection_, id = text_of(info[0])] { return from.get(id); }, deliver, {}, Runs::quick);
}

Napi::Value CollectionHandle::get_many(const Napi::CallbackInfo& info) {
  return run(info, [from = *collection_, ids = texts_of(info[0])] { return from.get_many(ids); },
             [](Napi::Env env, GetManyResult&& found) { return page_value(env, std::move(found.documents), found.missing, {}); }, {}, Runs::quick);
}

Napi::Value CollectionHandle::remove(const Napi::CallbackInfo& info) {
  return run(info, [from = *collection_, id = text_of(info[0])]() mutable { return from.remove(id); }, deliver_write);
}

Napi::Value CollectionHandle::remove_many(const Napi::CallbackInfo& info) {
  return run(info, [from = *collection_, ids = texts_of(info[0])]() mutable { return from.remove_many(ids); }, deliver_write);
}

Napi::Value CollectionHandle::remove_where(const Napi::CallbackInfo& info) {
  return run(info, [from = *collection_, filter = filter_of(info, 0)]() mutable { return from.remove_where(filter); }, deliver_write);
}

Napi::Value CollectionHandle::count(const Napi::CallbackInfo& info) {
  return run(info, [of = *collection_, filter = filter_of(info, 0)] { return of.count(filter); },
             [](Napi::Env env, std::uint64_t count) -> Napi::Value { return Napi::Number::New(env, static_cast<double>(count)); }, {}, Runs::quick);
}

// (filter, limit, after)
Napi::Value CollectionHandle::scroll(const Napi::CallbackInfo& info) {
  const auto limit = small(info, 1, "limit");
  auto after = info[2].IsString() ? std::optional(text_of(info[2])) : std::nullopt;
  return run(info, [of = *collection_, filter = filter_of(info, 0), limit, after = std::move(after)] { return of.scroll(filter, limit, after); },
             [](Napi::Env env, ScrollPage&& page) { return page_value(env, std::move(page.documents), {}, page.next); });
}

// (Float32Array, options)
Napi::Value CollectionHandle::search(const Napi::CallbackInfo& info) {
  const SearchOptions options(info, 1);
  const bool with_payload = options.has(SearchOptions::kWithPayload);
  const bool with_vector = options.has(SearchOptions::kWithVector);
  const auto deliver = [with_payload, with_vector](Napi::Env env, SearchResult&& result) {
    return search_value(env, std::move(result), with_payload, with_vector);
  };
  return run(info, [in = *collection_, search = options.search(floats_of(info[0]))] { return in.search(search); }, deliver, {}, options.runs());
}

// (Float32Array of all queries, how many, options)
Napi::Value CollectionHandle::search_batch(const Napi::CallbackInfo& info) {
  const auto count = static_cast<std::size_t>(whole(info, 1, "searches", Limits::kMaxTopK));
  const SearchOptions options(info, 2);
  const auto queries = floats_of(info[0]);
  const std::size_t dim = count == 0 ? 0 : queries.size() / count;
  std::vector<Search> searches;
  searches.reserve(count);
  for (std::size_t i = 0; i < count; ++i) searches.push_back(options.search(queries.subspan(i * dim, dim)));
  const bool with_payload = options.has(SearchOptions::kWithPayload);
  const bool with_vector = options.has(SearchOptions::kWithVector);
  const auto deliver = [with_payload, with_vector](Napi::Env env, std::vector<SearchResult>&& results) -> Napi::Value {
    auto array = Napi::Array::New(env, results.size());
    for (std::uint32_t i = 0; i < results.size(); ++i) array[i] = search_value(env, std::move(results[i]), with_payload, with_vector);
    return array;
  };
  return run(info, [in = *collection_, searches = std::move(searches)] { return in.search_batch(searches); }, deliver, {}, options.runs());
}

// What waits for a merge or a graph does so on one thread more, which an environment that ends leaves behind: the engine cannot be told to
// stop waiting. What was asked for is still done, unless the folder is closed.
template <class Publish>
Napi::Value CollectionHandle::publish(const Napi::CallbackInfo& info, Publish publish) {
  const bool wait = info[0].ToBoolean();
  auto call = [of = *collection_, wait, publish]() mutable { return publish(of, wait); };
  if (!wait || info.Data() == kSync) return run(info, std::move(call), version_value, {}, Runs::on_own_thread);
  auto watch = [call = std::move(call), &stopping = Runtime::of(info.Env()).stopping]() mutable -> Result<ManifestVersion> {
    std::packaged_task<Result<ManifestVersion>()> task([call = std::move(call)]() mutable { return guarded(call); });
    auto answer = task.get_future();
    std::thread(std::move(task)).detach();
    while (answer.wait_for(kSlice) != std::future_status::ready)
      if (stopping.load(std::memory_order_relaxed)) return fail(ErrorCode::unavailable, "the thread that asked for it has ended");
    return answer.get();
  };
  return run(info, std::move(watch), version_value, {}, Runs::on_own_thread);
}

Napi::Value CollectionHandle::flush(const Napi::CallbackInfo& info) {
  return publish(info, [](Collection& of, bool wait) { return of.flush(wait); });
}

Napi::Value CollectionHandle::compact(const Napi::CallbackInfo& info) {
  return publish(info, [](Collection& of, bool wait) { return of.compact(wait); });
}

Napi::Value CollectionHandle::rebuild_index(const Napi::CallbackInfo& info) {
  return publish(info, [](Collection& of, bool wait) { return of.rebuild_index(wait); });
}

Napi::Value CollectionHandle::delete_index(const Napi::CallbackInfo& info) {
  return publish(info, [](Collection& of, bool) { return of.delete_index(); });
}

Napi::Value CollectionHandle::has_index(const Napi::CallbackInfo& info) {
  return run(info, [of = *collection_] { return of.index_stats(); },
             [](Napi::Env env, const IndexStats& stats) -> Napi::Value { return Napi::Boolean::New(env, stats.graphs > 0); });
}

Napi::Value CollectionHandle::index_stats(const Napi::CallbackInfo& info) {
  const auto deliver = [](Napi::Env env, const IndexStats& stats) -> Napi::Value {
    auto object = Napi::Object::New(env);
    object["enabled"] = Napi::Boolean::New(env, stats.enabled);
    object["building"] = Napi::Boolean::New(env, stats.building);
    object["indexedRows"] = Napi::Number::New(env, static_cast<double>(stats.indexed_rows));
    object["unindexedRows"] = Napi::Number::New(env, static_cast<double>(stats.unindexed_rows));
    object["graphs"] = Napi::Number::New(env, static_cast<double>(stats.graphs));
    object["bytes"] = Napi::Number::New(env, static_cast<double>(stats.bytes));
    object["progress"] = Napi::Number::New(env, stats.progress);
    return object;
  };
  return run(info, [of = *collection_] { return of.index_stats(); }, deliver);
}

Napi::Value CollectionHandle::stats(const Napi::CallbackInfo& info) {
  return run(info, [of = *collection_]() -> Result<std::string> {
    auto stats = of.stats();
    if (!stats) return std::unexpected(stats.error());
    return http::encode_stats(*stats);
  }, text_value);
}

Napi::Value CollectionHandle::manifest(const Napi::CallbackInfo& info) {
  return run(info, [of = *collection_] { return of.manifest(); }, text_value);
}

Napi::Value CollectionHandle::replicas(const Napi::CallbackInfo& info) {
  return run(info, [of = *collection_]() -> Result<std::string> {
    auto replicas = of.replicas();
    if (!replicas) return std::unexpected(replicas.error());
    return http::encode_replicas(*replicas);
  }, text_value);
}

// (seq, timeoutMs). In slices, so that a process that ends is not kept.
Napi::Value CollectionHandle::wait_for(const Napi::CallbackInfo& info) {
  const Seq seq{whole(info, 0, "seq")};
  const std::chrono::milliseconds timeout(small(info, 1, "timeoutMs"));
  const auto wait = [on = *collection_, seq, timeout, &stopping = Runtime::of(info.Env()).stopping]() -> Status {
    const auto end = std::chrono::steady_clock::now() + timeout;
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      auto waited = on.wait_for(seq, std::clamp(left, std::chrono::milliseconds(0), kSlice));
      if (waited || waited.error().code != ErrorCode::timeout || left <= kSlice || stopping.load(std::memory_order_relaxed)) return waited;
    }
  };
  return run(info, wait, [](Napi::Env env) -> Napi::Value { return env.Undefined(); }, {}, Runs::on_own_thread);
}

Napi::Value CollectionHandle::acquire_write_lock(const Napi::CallbackInfo& info) {
  return run(info, [of = *collection_]() mutable { return of.acquire_write_lock(); }, [](Napi::Env env) -> Napi::Value { return env.Undefined(); },
             {}, Runs::on_own_thread);
}

}  // namespace ndb::node
