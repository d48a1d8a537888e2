// Between Python's values and the engine's: errors, JSON, vectors, names.
//
// Threads: everything here needs the GIL, but for without_gil()'s body, which must not touch Python.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/python/src/gil.hpp"
#include "ndb/ndb.hpp"

namespace ndb::python {

namespace py = pybind11;

/// float32, in C order: numpy converts what is not, and hands over what is without a copy.
using Floats = py::array_t<float, py::array::c_style | py::array::forcecast>;

/// To be called once, before everything else here.
void find_functions();

/// Throws the exception of the error's code, with its cause, if one is given.
[[noreturn]] void raise(const Error& error, py::handle cause = {});
[[noreturn]] inline void raise(ErrorCode code, std::string message, std::string field) {
  raise(Error{code, std::move(message), std::move(field)});
}

/// InvalidArgument because of an exception that says that a value is of a wrong type or out of range; any other is thrown on.
[[noreturn]] void raise_refused(py::error_already_set& thrown, std::string message, std::string field);

/// Runs call() with the GIL released.
template <class Call>
auto released(Call call) {
  const GilReleased guard;
  return call();
}

/// Runs call() -> Result<T> with the GIL released, and gives the value or throws.
template <class Call>
auto without_gil(Call call) {
  auto result = released(call);
  if (!result) raise(result.error());
  if constexpr (!std::is_void_v<typename decltype(result)::value_type>) return std::move(*result);
}

/// Makes Class.__new__ a TypeError: pybind11's would make an object around nothing.
template <class Class>
void refuse_new(Class& bound) {
  reinterpret_cast<PyTypeObject*>(bound.ptr())->tp_new = [](PyTypeObject* type, PyObject*, PyObject*) -> PyObject* {
    PyErr_Format(PyExc_TypeError, "%s objects are made by ndb only", type->tp_name);
    return nullptr;
  };
}

/// The text of a str, which must outlive the view. InvalidArgument under `field` for anything else.
[[nodiscard]] std::string_view text_of(py::handle value, const std::string& field);
/// The str objects of any sequence but a str, kept alive, and their texts.
struct Texts {
  py::tuple owners;
  std::vector<std::string_view> views;
};
[[nodiscard]] Texts texts_of(const py::object& sequence, const std::string& field);
[[nodiscard]] std::vector<std::string> strings_of(const py::object& sequence, const std::string& field);

/// One vector, [n]. InvalidArgument under `field` for what is no array of real numbers or has other dimensions.
[[nodiscard]] Floats vector_of(const py::object& value, const std::string& field);
/// Vectors, [count, n]. A list whose rows do not make an array is refused under the first that is no vector of `dim`: "{rows}[3].vector".
[[nodiscard]] Floats matrix_of(const py::object& value, const std::string& field, const std::string& rows, std::uint32_t dim);
/// An array over memory that `owner` keeps; read-only, since the owner shares it.
[[nodiscard]] py::array view_of(std::span<const float> values, const py::object& owner);

/// A payload's JSON from a dict or JSON text; nothing for None.
[[nodiscard]] std::string payload_of(const py::object& value, const std::string& field);
/// None, a dict, or what ndb.F makes.
[[nodiscard]] Filter filter_of(const py::object& value);
/// What json.loads makes of it; None for empty text.
[[nodiscard]] py::object loads(std::string_view json);

/// A number. InvalidArgument under `field` for anything else: "{field} is no {what}".
[[nodiscard]] std::int64_t integer_of(const py::object& value, const std::string& field);
[[nodiscard]] double real_of(const py::object& value, const std::string& field, const char* what = "number");
/// Seconds, as Python counts time.
[[nodiscard]] std::chrono::milliseconds milliseconds_of(double seconds, const std::string& field);

}  // namespace ndb::python
