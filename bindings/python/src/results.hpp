// What searches and reads hand out. Values stay in C++ memory, shared by what refers to them: payloads become Python objects when they
// are first asked for, vectors are views.
//
// Threads: immutable but for the cached payload, which the GIL guards.
#pragma once

#include <memory>

#include "bindings/python/src/convert.hpp"

namespace ndb::python {

/// A match or a document, and the answer that owns it.
template <class T>
struct Held {
  std::shared_ptr<const T> value;
  py::object payload{};  // once asked for

  [[nodiscard]] py::object load_payload() {
    if (!payload) payload = loads(value->payload);
    return payload;
  }
};
using HeldMatch = Held<Match>;
using HeldDocument = Held<Document>;

/// The matches of one search.
struct Matches {
  std::shared_ptr<const SearchResult> result;

  [[nodiscard]] std::size_t size() const noexcept { return result->size(); }
  [[nodiscard]] HeldMatch at(py::ssize_t index) const;
};

/// Documents, those that are missing, and where the next page starts.
struct Documents {
  std::shared_ptr<const std::vector<Document>> documents;
  std::vector<std::string> missing;
  std::optional<std::string> next;

  [[nodiscard]] std::size_t size() const noexcept { return documents->size(); }
  [[nodiscard]] HeldDocument at(py::ssize_t index) const;
};

[[nodiscard]] inline HeldDocument hold(Document document) { return {std::make_shared<const Document>(std::move(document)), {}}; }
[[nodiscard]] inline Matches hold(SearchResult result) { return {std::make_shared<const SearchResult>(std::move(result))}; }

void bind_results(py::module_& module);
void bind_collection(py::module_& module);

}  // namespace ndb::python
