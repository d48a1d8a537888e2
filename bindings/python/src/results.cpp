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

// Payloads are equal as values; texts that differ may say the same.
bool same_payload(const std::string& left, const std::string& right) {
  return left == right || (!left.empty() && !right.empty() && loads(left).equal(loads(right)));
}

bool same(const Document& left, const Document& right) {
  return left.id == right.id && left.vector == right.vector && same_payload(left.payload, right.payload);
}

bool same(const Match& left, const Match& right) {
  return left.id == right.id && left.score == right.score && left.vector == right.vector && same_payload(left.payload, right.payload);
}

// __eq__, and __hash__ as it goes with it. What they are made of never changes.
template <class T>
void bind_equality(py::class_<Held<T>>& bound) {
  bound.def("__eq__", [](const Held<T>& self, const py::object& other) -> py::object {
    if (!py::isinstance<Held<T>>(other)) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
    const auto& value = *other.cast<const Held<T>&>().value;
    return py::bool_(&value == self.value.get() || same(*self.value, value));
  });
  bound.def("__hash__", [](const Held<T>& self) { return py::hash(py::str(self.value->id)); });
}

// What the methods of a Sequence need; Sequence's own index and count are added in Python.
template <class T>
void bind_items(py::class_<T>& bound) {
  bound.def("__getitem__", &T::at);
  bound.def("__getitem__", [](const T& self, const py::slice& slice) {
    py::ssize_t start = 0, stop = 0, step = 0, length = 0;
    if (!slice.compute(static_cast<py::ssize_t>(self.size()), &start, &stop, &step, &length)) throw py::error_already_set();
    py::list items(static_cast<std::size_t>(length));
    for (py::ssize_t i = 0; i < length; ++i) items[static_cast<std::size_t>(i)] = py::cast(self.at(start + i * step));
    return items;
  });
  bound.def("__len__", &T::size);
  bound.def("__iter__", [](const py::object& self) { return py::reinterpret_steal<py::object>(PySeqIter_New(self.ptr())); });
}

void bind_document(py::module_& module) {
  py::class_<HeldDocument> bound(module, "Document");
  refuse_new(bound);
  bind_equality(bound);
  bound.def_property_readonly("id", [](const HeldDocument& self) { return self.value->id; })
      .def_property_readonly("payload", &HeldDocument::load_payload)
      .def_property_readonly("vector", &vector_of_held<Document>)
      .def("__repr__", [](const HeldDocument& self) { return fmt::format("ndb.Document(id='{}')", self.value->id); });
}

void bind_documents(py::module_& module) {
  py::class_<Documents> bound(module, "Documents");
  refuse_new(bound);
  bind_items(bound);
  bound.def_property_readonly("ids", [](const Documents& self) { return ids_of(*self.documents); })
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

void bind_matches(py::module_& module) {
  py::class_<HeldMatch> match(module, "Match");
  refuse_new(match);
  bind_equality(match);
  match.def_property_readonly("id", [](const HeldMatch& self) { return self.value->id; })
      .def_property_readonly("score", [](const HeldMatch& self) { return self.value->score; })
      .def_property_readonly("payload", &HeldMatch::load_payload)
      .def_property_readonly("vector", &vector_of_held<Match>)
      .def("__repr__", [](const HeldMatch& self) { return fmt::format("ndb.Match(id='{}', score={})", self.value->id, self.value->score); });
  py::class_<Matches> bound(module, "SearchResult");
  refuse_new(bound);
  bind_items(bound);
  bound.def_property_readonly("ids", [](const Matches& self) { return ids_of(self.result->matches); })
      .def_property_readonly("scores", &scores_of)
      .def_property_readonly("seq", [](const Matches& self) { return self.result->seq.value; })
      .def_property_readonly("manifest_version", [](const Matches& self) { return self.result->manifest_version.value; })
      .def_property_readonly("took_us", [](const Matches& self) { return self.result->took_us; })
      .def_property_readonly("plan", &plan_of)
      .def("__repr__", [](const Matches& self) { return fmt::format("ndb.SearchResult({} matches, seq {})", self.result->size(), self.result->seq.value); });
}

}  // namespace

HeldMatch Matches::at(py::ssize_t index) const {
  return {std::shared_ptr<const Match>(result, &result->matches[index_of(index, result->size())]), {}};
}

HeldDocument Documents::at(py::ssize_t index) const {
  return {std::shared_ptr<const Document>(documents, &(*documents)[index_of(index, documents->size())]), {}};
}

void bind_results(py::module_& module) {
  bind_document(module);
  bind_documents(module);
  bind_matches(module);
  py::class_<WriteResult> bound(module, "WriteResult");
  refuse_new(bound);
  bound.def_property_readonly("seq", [](const WriteResult& self) { return self.seq.value; })
      .def_readonly("inserted", &WriteResult::inserted)
      .def_readonly("replaced", &WriteResult::replaced)
      .def_readonly("deleted", &WriteResult::deleted)
      .def_property_readonly("durability", [](const WriteResult& self) { return std::string(durability_name(self.durability)); })
      .def("__repr__", [](const WriteResult& self) {
        return fmt::format("ndb.WriteResult(seq={}, inserted={}, replaced={}, deleted={})", self.seq.value, self.inserted, self.replaced, self.deleted);
      });
}

}  // namespace ndb::python
