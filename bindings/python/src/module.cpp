// The extension ndb._ndb: databases. Collections are in collection.cpp, what they answer in results.cpp.
#include <fmt/format.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/python/src/results.hpp"

namespace ndb::python {
namespace {

template <class Enum>
Enum named(std::optional<Enum> value, const std::string& name, const char* field) {
  if (!value) raise(ErrorCode::invalid_argument, fmt::format("{} '{}' is unknown", field, name), field);
  return *value;
}

std::uint32_t unsigned_of(std::int64_t value, const char* field) {
  if (value < 0 || value > std::numeric_limits<std::uint32_t>::max())
    raise(ErrorCode::invalid_argument, fmt::format("{} is {}", field, value), field);
  return static_cast<std::uint32_t>(value);
}

// A str, bytes or os.PathLike.
std::string folder_of(const py::object& path) {
  py::object bytes;
  try {
    bytes = in_python([&] { return py::module_::import("os").attr("fsencode")(path); });
  } catch (py::error_already_set& thrown) {
    if (thrown.matches(PyExc_TypeError)) throw;
    raise_refused(thrown, "path cannot be a name in the file system", "path");
  }
  auto folder = bytes.cast<std::string>();
  if (folder.find('\0') != std::string::npos) raise(ErrorCode::invalid_argument, "path has a NUL, which no path can", "path");
  return folder;
}

Database open_database(const py::object& path, bool read_only, std::uint64_t memtable_bytes, double sync_interval, double poll_interval,
                       double gc_grace, std::uint32_t index_threads, std::uint32_t index_min_rows, std::uint64_t segment_max_rows,
                       std::int64_t merge_mb_per_second, bool shared_memory) {
  const auto folder = folder_of(path);
  const DatabaseOptions options{.read_only = read_only,
                                .memtable_bytes = memtable_bytes,
                                .sync_interval = milliseconds_of(sync_interval, "sync_interval"),
                                .poll_interval = milliseconds_of(poll_interval, "poll_interval"),
                                .gc_grace = milliseconds_of(gc_grace, "gc_grace"),
                                .index_threads = index_threads,
                                .index_min_rows = index_min_rows,
                                .segment_max_rows = segment_max_rows,
                                .merge_mb_per_second = unsigned_of(merge_mb_per_second, "merge_mb_per_second"),
                                .shared_memory = shared_memory};
  return without_gil([&] { return Database::open(folder, options); });
}

Collection create_collection(Database& self, const py::object& name, std::int64_t dim, const std::string& distance,
                             const std::string& durability, std::int64_t m, std::int64_t ef_construction, std::int64_t ef_search,
                             const std::string& quantization, const std::vector<std::string>& attributes_only,
                             const std::vector<std::string>& attributes_never) {
  const auto text = text_of(name, "name");
  CollectionConfig config;
  config.dim = unsigned_of(dim, "dim");
  config.distance = named(distance_from_name(distance), distance, "distance");
  config.durability = named(durability_from_name(durability), durability, "durability");
  config.hnsw.m = unsigned_of(m, "hnsw.m");
  config.hnsw.ef_construction = unsigned_of(ef_construction, "hnsw.ef_construction");
  config.hnsw.ef_search = unsigned_of(ef_search, "hnsw.ef_search");
  config.hnsw.quantization = named(quantization_from_name(quantization), quantization, "hnsw.quantization");
  config.attributes = {attributes_only, attributes_never};
  return without_gil([&] { return self.create_collection(text, config); });
}

void bind_database(py::module_& module) {
  using py::arg;
  const DatabaseOptions defaults;
  const auto seconds = [](std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1'000; };
  const auto def_open = [&](auto define) {
    define("open", &open_database, arg("path"), py::kw_only(), arg("read_only") = false, arg("memtable_bytes") = defaults.memtable_bytes,
           arg("sync_interval") = seconds(defaults.sync_interval), arg("poll_interval") = seconds(defaults.poll_interval),
           arg("gc_grace") = seconds(defaults.gc_grace), arg("index_threads") = defaults.index_threads,
           arg("index_min_rows") = defaults.index_min_rows, arg("segment_max_rows") = defaults.segment_max_rows,
           arg("merge_mb_per_second") = defaults.merge_mb_per_second, arg("shared_memory") = true);
  };
  py::class_<Database> bound(module, "Database");
  refuse_new(bound);
  def_open([&](auto&&... parts) { bound.def_static(std::forward<decltype(parts)>(parts)...); });
  bound.def("create_collection", &create_collection, arg("name"), arg("dim"), py::kw_only(), arg("distance") = "cosine",
            arg("durability") = "buffered", arg("m") = 16, arg("ef_construction") = 200, arg("ef_search") = 64, arg("quantization") = "auto",
            arg("attributes_only") = std::vector<std::string>{}, arg("attributes_never") = std::vector<std::string>{});
  bound.def("get_collection", [](const Database& self, const py::object& name) {
    const auto text = text_of(name, "name");
    return without_gil([&] { return self.get_collection(text); });
  }, arg("name"));
  bound.def("has_collection", [](const Database& self, const py::object& name) {
    const auto text = text_of(name, "name");
    return without_gil([&]() -> Result<bool> {
      const auto names = self.list_collections();  // which says why it cannot tell, if so
      if (!names) return std::unexpected(names.error());
      return std::ranges::find(*names, text) != names->end();
    });
  }, arg("name"));
  bound.def("list_collections", [](const Database& self) {
    py::list names;
    for (const auto& name : without_gil([&] { return self.list_collections(); })) names.append(py::str(name));
    return names;
  });
  bound.def("drop_collection", [](Database& self, const py::object& name) {
    const auto text = text_of(name, "name");
    without_gil([&] { return self.drop_collection(text); });
  }, arg("name"));
  bound.def("close", [](Database& self) { without_gil([&] { return self.close(); }); });
  bound.def("__enter__", [](py::object self) { return self; });
  bound.def("__exit__", [](Database& self, const py::args&) { without_gil([&] { return self.close(); }); });
  def_open([&](auto&&... parts) { module.def(std::forward<decltype(parts)>(parts)...); });
}

}  // namespace
}  // namespace ndb::python

PYBIND11_MODULE(_ndb, module) {
  module.attr("__version__") = NDB_VERSION;
  ndb::python::find_functions();
  ndb::python::bind_results(module);
  ndb::python::bind_collection(module);
  ndb::python::bind_database(module);
}
