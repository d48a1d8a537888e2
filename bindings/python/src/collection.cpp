#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bindings/python/src/results.hpp"
#include "ipc/http/codec/answer_codec.hpp"
#include "reader/query.hpp"
#include "shared/base/time_text.hpp"

namespace ndb::python {
namespace {

/// The options of a search, as Python names them.
struct SearchOptions {
  std::uint32_t top_k;
  bool approximate;
  std::optional<std::uint32_t> ef;
  std::optional<double> recall;
  Filter filter;
  bool with_payload, with_vector;
  std::uint64_t min_seq;
  std::optional<std::chrono::milliseconds> timeout;
  bool explain;

  [[nodiscard]] Search search(std::span<const float> query) const {
    Search made(query);
    made.top_k(top_k).approximate(approximate).filter(filter).with_payload(with_payload).with_vector(with_vector);
    made.min_seq(Seq{min_seq}).explain(explain);
    if (ef) made.ef(*ef);
    if (recall) made.recall(*recall);
    if (timeout) made.timeout(*timeout);
    return made;
  }
};

// pybind11's casters say "incompatible arguments" for a number that does not fit: better the engine's words.
std::uint32_t small_number(std::int64_t value, const char* field) {
  if (value < 0 || value > std::numeric_limits<std::uint32_t>::max())
    raise(ErrorCode::invalid_argument, fmt::format("{} is {}", field, value), field);
  return static_cast<std::uint32_t>(value);
}

SearchOptions options_of(std::int64_t top_k, bool approximate, const py::object& ef, const py::object& recall, const py::object& filter,
                         bool with_payload, bool with_vector, std::uint64_t min_seq, const py::object& timeout, bool explain) {
  SearchOptions options{.top_k = small_number(top_k, "top_k"), .approximate = approximate, .ef = {}, .recall = {},
                        .filter = filter_of(filter), .with_payload = with_payload, .with_vector = with_vector, .min_seq = min_seq,
                        .timeout = {}, .explain = explain};
  if (!ef.is_none()) options.ef = small_number(integer_of(ef, "ef"), "ef");
  if (!recall.is_none()) options.recall = real_of(recall, "recall");
  if (!timeout.is_none()) options.timeout = milliseconds_of(real_of(timeout, "timeout"), "timeout");
  return options;
}

// As Collection::wait_for, but in slices, between which the main thread runs the handlers of signals: Ctrl-C ends it.
Status wait_in_slices(const Collection& self, Seq seq, std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds kSlice{100};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto slice = std::clamp(left, std::chrono::milliseconds(0), kSlice);
    auto waited = released([&] { return self.wait_for(seq, slice); });
    if (waited || waited.error().code != ErrorCode::timeout || slice < kSlice) return waited;
    if (in_python([] { return PyErr_CheckSignals(); }) != 0) throw py::error_already_set();
  }
}

// Waits for min_seq of the searches, so that Ctrl-C ends it. Leaves them what is left of the timeout.
void wait_for_min_seq(const Collection& self, const SearchOptions& options, std::span<Search> searches) {
  constexpr std::chrono::milliseconds kDefaultWait{1'000};  // as that of Search
  if (options.min_seq == 0 || searches.empty()) return;
  for (std::size_t i = 0; i < searches.size(); ++i)
    if (const auto valid = reader::validate_search(searches[i], self.config(), searches.size() == 1 ? "" : fmt::format("searches[{}].", i)); !valid)
      raise(valid.error());
  const auto start = std::chrono::steady_clock::now();
  const auto waited = wait_in_slices(self, Seq{options.min_seq}, options.timeout.value_or(kDefaultWait));
  if (!waited && waited.error().code == ErrorCode::timeout) raise(ErrorCode::replica_lagging, waited.error().message, "min_seq");
  if (!waited) raise(waited.error());
  if (!options.timeout) return;
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  for (auto& search : searches) search.timeout(std::max(*options.timeout - took, std::chrono::milliseconds(0)));
}

std::span<const float> span_of(const Floats& vector) { return {vector.data(), static_cast<std::size_t>(vector.size())}; }

Matches search(const Collection& self, const py::object& query, std::int64_t top_k, bool approximate, const py::object& ef,
               const py::object& recall, const py::object& filter, bool with_payload, bool with_vector, std::uint64_t min_seq,
               const py::object& timeout, bool explain) {
  const auto options = options_of(top_k, approximate, ef, recall, filter, with_payload, with_vector, min_seq, timeout, explain);
  const auto vector = vector_of(query, "vector");
  auto made = options.search(span_of(vector));
  wait_for_min_seq(self, options, {&made, 1});
  return hold(without_gil([&] { return self.search(made); }));
}

py::list search_batch(const Collection& self, const py::object& queries, std::int64_t top_k, bool approximate, const py::object& ef,
                      const py::object& recall, const py::object& filter, bool with_payload, bool with_vector, std::uint64_t min_seq,
                      const py::object& timeout, bool explain) {
  const auto options = options_of(top_k, approximate, ef, recall, filter, with_payload, with_vector, min_seq, timeout, explain);
  const auto matrix = matrix_of(queries, "searches", "searches", self.config().dim);
  const auto count = static_cast<std::size_t>(matrix.ndim() == 2 ? matrix.shape(0) : 0);
  const std::size_t dim = count == 0 ? 0 : static_cast<std::size_t>(matrix.size()) / count;
  std::vector<Search> searches;
  searches.reserve(count);
  for (std::size_t i = 0; i < count; ++i) searches.push_back(options.search(span_of(matrix).subspan(i * dim, dim)));
  wait_for_min_seq(self, options, searches);
  auto results = without_gil([&] { return self.search_batch(searches); });
  py::list answers(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) answers[i] = py::cast(hold(std::move(results[i])));
  return answers;
}

WriteResult insert(Collection& self, const py::object& id, const py::object& vector, const py::object& payload) {
  const auto text = text_of(id, "id");
  const auto values = vector_of(vector, "vector");
  const auto json = payload_of(payload, "payload");
  return without_gil([&] { return self.insert({.id = text, .vector = span_of(values), .payload = json}); });
}

std::vector<std::string> payloads_of(const py::object& payloads, std::size_t count) {
  std::vector<std::string> texts;
  if (payloads.is_none()) return texts;
  const auto all = in_python([&] { return py::tuple(payloads); });
  if (all.size() != count)
    raise(ErrorCode::invalid_argument, fmt::format("there are {} payloads for {} ids", all.size(), count), "payloads");
  texts.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    texts.push_back(payload_of(py::reinterpret_borrow<py::object>(PyTuple_GET_ITEM(all.ptr(), static_cast<Py_ssize_t>(i))),
                               "documents[" + std::to_string(i) + "].payload"));
  return texts;
}

WriteResult insert_batch(Collection& self, const py::object& ids, const py::object& vectors, const py::object& payloads) {
  const auto texts = texts_of(ids, "ids");
  const auto matrix = matrix_of(vectors, "vectors", "documents", self.config().dim);
  const std::size_t count = texts.views.size();
  const auto rows = static_cast<std::size_t>(matrix.ndim() == 2 ? matrix.shape(0) : 0);
  if (rows != count) raise(ErrorCode::invalid_argument, fmt::format("there are {} vectors for {} ids", rows, count), "vectors");
  const auto json = payloads_of(payloads, count);
  const std::size_t dim = count == 0 ? 0 : static_cast<std::size_t>(matrix.size()) / count;
  return without_gil([&] {
    std::vector<DocumentView> documents;
    documents.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
      documents.push_back({.id = texts.views[i], .vector = span_of(matrix).subspan(i * dim, dim),
                           .payload = json.empty() ? std::string_view{} : json[i]});
    return self.insert_batch(std::span<const DocumentView>(documents));
  });
}

HeldDocument get(const Collection& self, const py::object& id) {
  const auto text = text_of(id, "id");
  return hold(without_gil([&] { return self.get(text); }));
}

Documents get_many(const Collection& self, const py::object& ids) {
  const auto texts = strings_of(ids, "ids");
  auto found = without_gil([&] { return self.get_many(texts); });
  return {std::make_shared<const std::vector<Document>>(std::move(found.documents)), std::move(found.missing), {}};
}

Documents scroll(const Collection& self, const py::object& filter, std::int64_t limit, const py::object& after) {
  const auto wanted = filter_of(filter);
  std::optional<std::string> from;
  if (!after.is_none()) from = std::string(text_of(after, "after"));
  const auto most = small_number(limit, "limit");
  auto page = without_gil([&] { return self.scroll(wanted, most, from); });
  return {std::make_shared<const std::vector<Document>>(std::move(page.documents)), {}, std::move(page.next)};
}

WriteResult remove(Collection& self, const py::object& id) {
  const auto text = text_of(id, "id");
  return without_gil([&] { return self.remove(text); });
}

WriteResult remove_many(Collection& self, const py::object& ids) {
  const auto texts = strings_of(ids, "ids");
  return without_gil([&] { return self.remove_many(texts); });
}

// None is refused, not taken for everything: too much would be gone by a mistake.
WriteResult remove_where(Collection& self, const py::object& filter) {
  if (filter.is_none()) raise(ErrorCode::invalid_argument, "filter is None; {} stands for all documents", "filter");
  const auto wanted = filter_of(filter);
  return without_gil([&] { return self.remove_where(wanted); });
}

py::object index_stats(const Collection& self) {
  const auto stats = without_gil([&] { return self.index_stats(); });
  py::dict dict;
  dict["enabled"] = stats.enabled;
  dict["indexed_rows"] = stats.indexed_rows;
  dict["unindexed_rows"] = stats.unindexed_rows;
  dict["graphs"] = stats.graphs;
  dict["bytes"] = stats.bytes;
  dict["building"] = stats.building;
  dict["progress"] = stats.progress;
  return dict;
}

// What a method of the value answers, or the value itself, if it has no such method.
double number_from(const py::object& value, const char* method, const char* field, const char* what) {
  py::object number = value;
  try {
    if (py::hasattr(value, method)) number = in_python([&] { return value.attr(method)(); });
  } catch (py::error_already_set& thrown) {
    raise_refused(thrown, fmt::format("{} is no {}", field, what), field);
  }
  return real_of(number, field, what);
}

// A datetime, seconds since 1970 as of time.time(), or a text in RFC 3339.
std::chrono::system_clock::time_point time_of(const py::object& time) {
  if (py::isinstance<py::str>(time)) {
    const std::string text(text_of(time, "at_time"));
    if (const auto parsed = base::parse_time(text)) return *parsed;
    raise(ErrorCode::invalid_argument, fmt::format("'{}' is no time as in RFC 3339 (2026-11-26T10:00:00Z)", text), "at_time");
  }
  const double seconds = number_from(time, "timestamp", "at_time", "datetime, number of seconds or text in RFC 3339");
  const double ms = std::floor(seconds * 1'000.0 + 0.01);
  if (!(ms >= 0.0 && ms <= static_cast<double>(base::kMostUnixMs))) raise(ErrorCode::invalid_argument, "is not between 1970 and 2262", "at_time");
  return base::from_unix_ms(static_cast<std::uint64_t>(ms));
}

py::dict dict_of(const VersionInfo& version) {
  const auto datetime = py::module_::import("datetime");
  py::dict dict;
  dict["version"] = version.version.value;
  dict["seq"] = version.seq.value;
  const auto ms = static_cast<double>(base::to_unix_ms(version.time));
  dict["time"] = datetime.attr("datetime").attr("fromtimestamp")(ms / 1'000.0, datetime.attr("timezone").attr("utc"));
  return dict;
}

// Seconds as a number, or a timedelta; parts of seconds count as whole ones, for 0 means something else.
std::chrono::seconds seconds_of(const py::object& time, const char* field) {
  const double seconds = number_from(time, "total_seconds", field, "timedelta or number of seconds");
  if (!(seconds >= 0.0 && seconds <= 1e9)) raise(ErrorCode::invalid_argument, fmt::format("{} is {} s", field, seconds), field);
  return std::chrono::seconds(static_cast<std::int64_t>(std::ceil(seconds)));
}

template <class Class>
void bind_history(Class& bound) {
  using py::arg;
  bound.def("at_version", [](const Collection& self, std::uint64_t version) {
    return without_gil([&] { return self.at_version(ManifestVersion{version}); });
  }, arg("version"));
  bound.def("at_time", [](const Collection& self, const py::object& time) {
    const auto at = time_of(time);
    return without_gil([&] { return self.at_time(at); });
  }, arg("time"));
  bound.def_property_readonly("as_of", [](const Collection& self) -> py::object {
    const auto version = self.as_of();
    if (!version) return py::none();
    return dict_of(*version);
  });
  bound.def("versions", [](const Collection& self) {
    py::list all;
    for (const auto& version : without_gil([&] { return self.versions(); })) all.append(dict_of(version));
    return all;
  });
  bound.def("set_history", [](Collection& self, const py::object& retention, const py::object& interval) {
    const HistoryConfig history{seconds_of(retention, "history.retention"), seconds_of(interval, "history.interval")};
    return without_gil([&] { return self.set_history(history); }).value;
  }, arg("retention"), arg("interval") = 60);
}

template <class Class>
void bind_searches(Class& bound) {
  using py::arg;
  bound.def("search", &search, arg("query"), arg("top_k") = 10, py::kw_only(), arg("approximate") = true, arg("ef") = py::none(),
            arg("recall") = py::none(), arg("filter") = py::none(), arg("with_payload") = true, arg("with_vector") = false,
            arg("min_seq") = 0, arg("timeout") = py::none(), arg("explain") = false);
  bound.def("search_batch", &search_batch, arg("queries"), arg("top_k") = 10, py::kw_only(), arg("approximate") = true,
            arg("ef") = py::none(), arg("recall") = py::none(), arg("filter") = py::none(), arg("with_payload") = true,
            arg("with_vector") = false, arg("min_seq") = 0, arg("timeout") = py::none(), arg("explain") = false);
}

template <class Class>
void bind_upkeep(Class& bound) {
  using py::arg;
  bound.def("flush", [](Collection& self, bool wait) { return without_gil([&] { return self.flush(wait); }).value; }, arg("wait") = true);
  bound.def("compact", [](Collection& self, bool wait) { return without_gil([&] { return self.compact(wait); }).value; }, arg("wait") = true);
  bound.def("rebuild_index", [](Collection& self, bool wait) { return without_gil([&] { return self.rebuild_index(wait); }).value; }, arg("wait") = true);
  bound.def("delete_index", [](Collection& self) { return without_gil([&] { return self.delete_index(); }).value; });
  bound.def("has_index", [](const Collection& self) { return without_gil([&] { return self.index_stats(); }).graphs > 0; });
  bound.def("index_stats", &index_stats);
  bound.def("stats", [](const Collection& self) { return loads(http::encode_stats(without_gil([&] { return self.stats(); }))); });
  bound.def("manifest", [](const Collection& self) { return loads(without_gil([&] { return self.manifest(); })); });
  bound.def("replicas", [](const Collection& self) -> py::object {
    return loads(http::encode_replicas(without_gil([&] { return self.replicas(); })))["replicas"];
  });
  bound.def("wait_for", [](const Collection& self, std::uint64_t seq, double timeout) {
    const auto bound_ms = milliseconds_of(timeout, "timeout");
    if (const auto waited = wait_in_slices(self, Seq{seq}, bound_ms); !waited) raise(waited.error());
  }, arg("seq"), arg("timeout") = 10.0);
  bound.def("acquire_write_lock", [](Collection& self) { without_gil([&] { return self.acquire_write_lock(); }); });
}

}  // namespace

void bind_collection(py::module_& module) {
  using py::arg;
  py::class_<Collection> bound(module, "Collection");
  refuse_new(bound);
  bound.def_property_readonly("name", &Collection::name);
  bound.def_property_readonly("dim", [](const Collection& self) { return self.config().dim; });
  bound.def_property_readonly("distance", [](const Collection& self) { return std::string(distance_name(self.config().distance)); });
  bound.def_property_readonly("durability", [](const Collection& self) { return std::string(durability_name(self.config().durability)); });
  bound.def("insert", &insert, arg("id"), arg("vector"), arg("payload") = py::none());
  bound.def("insert_batch", &insert_batch, arg("ids"), arg("vectors"), arg("payloads") = py::none());
  bound.def("get", &get, arg("id"));
  bound.def("get_many", &get_many, arg("ids"));
  bound.def("remove", &remove, arg("id"));
  bound.def("remove_many", &remove_many, arg("ids"));
  bound.def("remove_where", &remove_where, arg("filter"));
  bound.def("count", [](const Collection& self, const py::object& filter) {
    const auto wanted = filter_of(filter);
    return without_gil([&] { return self.count(wanted); });
  }, arg("filter") = py::none());
  bound.def("scroll", &scroll, arg("filter") = py::none(), arg("limit") = 100, arg("after") = py::none());
  bind_searches(bound);
  bind_upkeep(bound);
  bind_history(bound);
  bound.def("__repr__", [](const Collection& self) { return fmt::format("ndb.Collection('{}', dim={})", self.name(), self.config().dim); });
}

}  // namespace ndb::python
