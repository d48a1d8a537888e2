#include "bindings/python/src/convert.hpp"

#include <cmath>

namespace ndb::python {
namespace {

// Functions of Python modules, looked up once and never given back: the interpreter may be gone by the end.
py::handle function(const char* module_name, const char* name) {
  return in_python([&] { return py::module_::import(module_name).attr(name).cast<py::object>().release(); });
}

Floats floats_of(const py::object& value, const std::string& field) {
  auto array = in_python([&] { return Floats::ensure(value); });
  if (array) return array;
  PyErr_Clear();
  raise(ErrorCode::invalid_argument, field + " is no array of numbers", field);
}

}  // namespace

void raise(const Error& error) {
  static const py::handle by_code = function("ndb._errors", "BY_CODE");
  const auto code = error_code_name(error.code);
  const py::object kind = by_code[py::str(code.data(), code.size())];
  // Messages may quote bytes that are no UTF-8.
  const auto text = [](const std::string& bytes) {
    return py::reinterpret_steal<py::str>(PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "replace"));
  };
  const py::object exception = in_python([&] { return kind(text(error.message), text(error.field)); });
  PyErr_SetObject(kind.ptr(), exception.ptr());
  throw py::error_already_set();
}

std::string_view text_of(py::handle value, const std::string& field) {
  if (!PyUnicode_Check(value.ptr())) raise(ErrorCode::invalid_argument, field + " is no str", field);
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (text != nullptr) return {text, static_cast<std::size_t>(size)};
  PyErr_Clear();
  raise(ErrorCode::invalid_argument, field + " has a lone surrogate, which UTF-8 cannot say", field);
}

Texts texts_of(const py::object& sequence, const std::string& field) {
  if (PyUnicode_Check(sequence.ptr()) || PyBytes_Check(sequence.ptr())) raise(ErrorCode::invalid_argument, field + " is one text, not many", field);
  Texts texts{py::tuple(sequence), {}};
  texts.views.reserve(texts.owners.size());
  for (std::size_t i = 0; i < texts.owners.size(); ++i) {
    const py::handle item = PyTuple_GET_ITEM(texts.owners.ptr(), static_cast<Py_ssize_t>(i));
    if (PyUnicode_Check(item.ptr())) [[likely]] {
      Py_ssize_t size = 0;
      if (const char* text = PyUnicode_AsUTF8AndSize(item.ptr(), &size)) [[likely]] {
        texts.views.emplace_back(text, static_cast<std::size_t>(size));
        continue;
      }
      PyErr_Clear();
    }
    texts.views.push_back(text_of(item, field + "[" + std::to_string(i) + "]"));
  }
  return texts;
}

std::vector<std::string> strings_of(const py::object& sequence, const std::string& field) {
  const auto texts = texts_of(sequence, field);
  return {texts.views.begin(), texts.views.end()};
}

Floats vector_of(const py::object& value, const std::string& field) {
  auto array = floats_of(value, field);
  if (array.ndim() == 1) return array;
  raise(ErrorCode::invalid_argument, field + " has " + std::to_string(array.ndim()) + " dimensions; a vector has one", field);
}

Floats matrix_of(const py::object& value, const std::string& field) {
  auto array = floats_of(value, field);
  if (array.ndim() == 2 || array.size() == 0) return array;
  raise(ErrorCode::invalid_argument, field + " has " + std::to_string(array.ndim()) + " dimensions; many vectors have two", field);
}

py::array view_of(std::span<const float> values, const py::object& owner) {
  py::array_t<float> array({static_cast<py::ssize_t>(values.size())}, values.data(), owner);
  py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return array;
}

std::string payload_of(const py::object& value, const std::string& field) {
  if (value.is_none()) return {};
  if (PyUnicode_Check(value.ptr())) {
    std::string text(text_of(value, field));
    if (text.empty()) raise(ErrorCode::invalid_argument, field + " is empty text; it must be a JSON object or None", field);
    return text;
  }
  if (!PyDict_Check(value.ptr())) raise(ErrorCode::invalid_argument, field + " is neither a dict nor JSON text nor None", field);
  static const py::handle dumps = function("ndb._filters", "dumps");
  try {
    return in_python([&] { return dumps(value).cast<std::string>(); });
  } catch (py::error_already_set& thrown) {
    if (!thrown.matches(PyExc_TypeError) && !thrown.matches(PyExc_ValueError) && !thrown.matches(PyExc_RecursionError)) throw;
    raise(ErrorCode::invalid_argument, field + " cannot be written as JSON: " + py::str(thrown.value()).cast<std::string>(), field);
  }
}

Filter filter_of(const py::object& value) {
  if (value.is_none()) return {};
  static const py::handle to_json = function("ndb._filters", "to_json");
  std::string json;
  try {
    json = in_python([&] { return to_json(value).cast<std::string>(); });
  } catch (py::error_already_set& thrown) {
    if (!thrown.matches(PyExc_TypeError) && !thrown.matches(PyExc_ValueError)) throw;
    raise(ErrorCode::invalid_argument, py::str(thrown.value()).cast<std::string>(), "filter");
  }
  auto filter = Filter::from_json(json);
  if (!filter) raise(filter.error());
  return std::move(*filter);
}

py::object loads(std::string_view json) {
  if (json.empty()) return py::none();
  static const py::handle parse = function("json", "loads");
  return in_python([&] { return parse(py::str(json.data(), json.size())); });
}

std::chrono::milliseconds milliseconds_of(double seconds, const std::string& field) {
  constexpr double kLongest = 1e9;  // thirty years
  if (!(seconds >= 0 && seconds <= kLongest)) raise(ErrorCode::invalid_argument, field + " must be from 0 to 1e9 seconds", field);
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1'000)));
}

}  // namespace ndb::python
