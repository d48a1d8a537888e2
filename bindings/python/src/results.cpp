#include "bindings/python/src/results.hpp"

#include <fmt/format.h>

namespace ndb::python {
namespace {

std::size_t index_of(py::ssize_t index, std::size_t size) {
  const auto count = static_cast<py::ssize_t>(size);
  if (index < 0) index += count;
  if (index < 0 || index >= count) throw py::index_error();
  return static_cast<std::size_t>(index);
}

// A str for each, and None where the id is not UTF-8 (which the engine does not let in).
template <class Items>
py::list ids_of(const Items& items) {
  py::list ids(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) ids[i] = py::str(items[i].id);
  return ids;
}

template <class T>
py::object vector_of_held(const py::object& self) {
  const auto& value = *self.cast<Held<T>&>().value;
  if (value.vector.empty()) return py::none();
  return view_of(value.vector, self);
}

py::array scores_of(const Matches& self) {
  py::array_t<float> scores(static_cast<py::ssize_t>(self.result->size()));
  auto* to = scores.mutable_data();
  for (const auto& match : *self.result) *to++ = match.score;
  return scores;
}

py::object plan_of(const Matches& self) {
  if (!self.result->plan) return py::none();
  const auto& plan = *self.result->plan;
  py::dict dict;
  dict["plan"] = plan.plan;
  dict["rows_estimated"] = plan.rows_estimated;
  dict["rows_matched"] = plan.rows_matched;
  dict["distances"] = plan.distances;
  dict["estimated_distances"] = plan.estimated_distances;
  dict["hops"] = plan.hops;
  dict["bytes_touched"] = plan.bytes_touched;
  return dict;
}

void bind_documents(py::module_& module) {
  py::class_<HeldDocument>(module, "Document")
      .def_property_readonly("id", [](const HeldDocument& self) { return self.value->id; })
      .def_property_readonly("payload", &HeldDocument::load_payload)
      .def_property_readonly("vector", &vector_of_held<Document>)
      .def("__repr__", [](const HeldDocument& self) { return fmt::format("ndb.Document(id='{}')", self.value->id); });
  py::class_<Documents>(module, "Documents")
      .def("__len__", [](const Documents& self) { return self.documents->size(); })
      .def("__getitem__", &Documents::at)
      .def_property_readonly("ids", [](const Documents& self) { return ids_of(*self.documents); })
      .def_property_readonly("missing", [](const Documents& self) {
        py::list missing;
        for (const auto& id : self.missing) missing.append(py::str(id));
        return missing;
      })
      .def_property_readonly("next", [](const Documents& self) -> py::object {
        if (!self.next) return py::none();
        return py::str(*self.next);
      })
      .def("__repr__", [](const Documents& self) { return fmt::format("ndb.Documents({} of them)", self.documents->size()); });
}

}  // namespace

HeldMatch Matches::at(py::ssize_t index) const {
  return {std::shared_ptr<const Match>(result, &result->matches[index_of(index, result->size())]), {}};
}

HeldDocument Documents::at(py::ssize_t index) const {
  return {std::shared_ptr<const Document>(documents, &(*documents)[index_of(index, documents->size())]), {}};
}

void bind_results(py::module_& module) {
  bind_documents(module);
  py::class_<HeldMatch>(module, "Match")
      .def_property_readonly("id", [](const HeldMatch& self) { return self.value->id; })
      .def_property_readonly("score", [](const HeldMatch& self) { return self.value->score; })
      .def_property_readonly("payload", &HeldMatch::load_payload)
      .def_property_readonly("vector", &vector_of_held<Match>)
      .def("__repr__", [](const HeldMatch& self) { return fmt::format("ndb.Match(id='{}', score={})", self.value->id, self.value->score); });
  py::class_<Matches>(module, "SearchResult")
      .def("__len__", [](const Matches& self) { return self.result->size(); })
      .def("__getitem__", &Matches::at)
      .def_property_readonly("ids", [](const Matches& self) { return ids_of(self.result->matches); })
      .def_property_readonly("scores", &scores_of)
      .def_property_readonly("seq", [](const Matches& self) { return self.result->seq.value; })
      .def_property_readonly("manifest_version", [](const Matches& self) { return self.result->manifest_version.value; })
      .def_property_readonly("took_us", [](const Matches& self) { return self.result->took_us; })
      .def_property_readonly("plan", &plan_of)
      .def("__repr__", [](const Matches& self) { return fmt::format("ndb.SearchResult({} matches, seq {})", self.result->size(), self.result->seq.value); });
  py::class_<WriteResult>(module, "WriteResult")
      .def_property_readonly("seq", [](const WriteResult& self) { return self.seq.value; })
      .def_readonly("inserted", &WriteResult::inserted)
      .def_readonly("replaced", &WriteResult::replaced)
      .def_readonly("deleted", &WriteResult::deleted)
      .def_property_readonly("durability", [](const WriteResult& self) { return std::string(durability_name(self.durability)); })
      .def("__repr__", [](const WriteResult& self) {
        return fmt::format("ndb.WriteResult(seq={}, inserted={}, replaced={}, deleted={})", self.seq.value, self.inserted, self.replaced, self.deleted);
      });
}

}  // namespace ndb::python
