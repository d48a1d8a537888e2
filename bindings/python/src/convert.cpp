#include "bindings/python/src/convert.hpp"

#include <cmath>

namespace ndb::python {
namespace {

// Of Python modules, found when the extension is loaded: later, whoever looks them up first would keep others waiting with the GIL, and might
// need it itself. Never given back: the interpreter may be gone by the end.
struct Found {
  py::handle by_code, dumps, to_json, loads, real;
} found;

bool is_refusal(const py::error_already_set& thrown) {
  return thrown.matches(PyExc_TypeError) || thrown.matches(PyExc_ValueError) || thrown.matches(PyExc_OverflowError) ||
         thrown.matches(PyExc_RecursionError);
}

// Of a message that may quote what UTF-8 cannot say.
std::string utf8_of(const py::object& value) {
  const auto bytes = py::reinterpret_steal<py::bytes>(PyUnicode_AsEncodedString(py::str(value).ptr(), "utf-8", "backslashreplace"));
  if (!bytes) throw py::error_already_set();
  return bytes;
}

// numpy's own array, not of a class that gives elements another meaning, such as masked ones.
bool is_plain_float32(const py::object& value) {
  const auto* array = reinterpret_cast<const PyTypeObject*>(py::detail::npy_api::get().PyArray_Type_);
  return Py_TYPE(value.ptr()) == array && py::isinstance<py::array_t<float>>(value);
}

// May throw whatever the conversion does.
Floats floats_of(const py::object& value) {
  return in_python([&] { return Floats(is_plain_float32(value) ? value : found.real(value)); });
}

[[noreturn]] void raise_no_vector(py::error_already_set& thrown, const std::string& field) {
  raise_refused(thrown, field + " is no array of real numbers", field);
}

// Throws for the first row that is no vector of dim.
void check_rows(const py::object& rows, const std::string& field, std::uint32_t dim) {
  std::size_t at = 0;
  for (const auto& row : py::tuple(rows)) {
    const auto name = field + "[" + std::to_string(at++) + "].vector";
    const auto size = vector_of(py::reinterpret_borrow<py::object>(row), name).size();
    if (size == dim) continue;
    raise(ErrorCode::invalid_argument,
          name + " has " + std::to_string(size) + " elements; the collection has dim " + std::to_string(dim), name);
  }
}

}  // namespace

void find_functions() {
  const auto function = [](const char* module_name, const char* name) {
    return py::object(py::module_::import(module_name).attr(name)).release();
  };
  found = {.by_code = function("ndb._errors", "BY_CODE"), .dumps = function("ndb._filters", "dumps"), .to_json = function("ndb._filters", "to_json"),
           .loads = function("json", "loads"), .real = function("ndb._vectors", "real")};
}

void raise(const Error& error, py::handle cause) {
  const auto code = error_code_name(error.code);
  const py::object kind = found.by_code[py::str(code.data(), code.size())];
  // Messages may quote bytes that are no UTF-8.
  const auto text = [](const std::string& bytes) {
    return py::reinterpret_steal<py::str>(PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "replace"));
  };
  const py::object exception = in_python([&] { return kind(text(error.message), text(error.field)); });
  if (cause) PyException_SetCause(exception.ptr(), cause.inc_ref().ptr());
  PyErr_SetObject(kind.ptr(), exception.ptr());
  throw py::error_already_set();
}

void raise_refused(py::error_already_set& thrown, std::string message, std::string field) {
  if (!is_refusal(thrown)) throw thrown;
  if (thrown.trace()) PyException_SetTraceback(thrown.value().ptr(), thrown.trace().ptr());
  raise(Error{ErrorCode::invalid_argument, std::move(message), std::move(field)}, thrown.value());
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
  Texts texts{in_python([&] { return py::tuple(sequence); }), {}};
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
  const auto array = [&] {
    try {
      return floats_of(value);
    } catch (py::error_already_set& thrown) {
      raise_no_vector(thrown, field);
    }
  }();
  if (array.ndim() == 1) return array;
  raise(ErrorCode::invalid_argument, field + " has " + std::to_string(array.ndim()) + " dimensions; a vector has one", field);
}

Floats matrix_of(const py::object& value, const std::string& field, const std::string& rows, std::uint32_t dim) {
  const auto array = [&] {
    try {
      return floats_of(value);
    } catch (py::error_already_set& thrown) {
      if (is_refusal(thrown) && (PyList_Check(value.ptr()) || PyTuple_Check(value.ptr()))) check_rows(value, rows, dim);
      raise_no_vector(thrown, field);
    }
  }();
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
  py::object json;
  try {
    json = in_python([&] { return found.dumps(value); });
  } catch (py::error_already_set& thrown) {
    raise_refused(thrown, field + " cannot be written as JSON: " + utf8_of(thrown.value()), field);
  }
  return std::string(text_of(json, field));
}

Filter filter_of(const py::object& value) {
  if (value.is_none()) return {};
  py::object json;
  try {
    json = in_python([&] { return found.to_json(value); });
  } catch (py::error_already_set& thrown) {
    raise_refused(thrown, utf8_of(thrown.value()), "filter");
  }
  auto filter = Filter::from_json(text_of(json, "filter"));
  if (!filter) raise(filter.error());
  return std::move(*filter);
}

py::object loads(std::string_view json) {
  if (json.empty()) return py::none();
  return in_python([&] { return found.loads(py::str(json.data(), json.size())); });
}

std::int64_t integer_of(const py::object& value, const std::string& field) {
  const auto number = py::reinterpret_steal<py::object>(in_python([&] { return PyNumber_Index(value.ptr()); }));
  if (!number) {
    py::error_already_set thrown;
    raise_refused(thrown, field + " is no integer", field);
  }
  int overflow = 0;
  const auto integer = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0) raise(ErrorCode::invalid_argument, field + " does not fit into 64 bits", field);
  return integer;
}

double real_of(const py::object& value, const std::string& field, const char* what) {
  const double number = in_python([&] { return PyFloat_AsDouble(value.ptr()); });
  if (number != -1.0 || PyErr_Occurred() == nullptr) return number;
  py::error_already_set thrown;
  raise_refused(thrown, field + " is no " + what, field);
}

std::chrono::milliseconds milliseconds_of(double seconds, const std::string& field) {
  constexpr double kLongest = 1e9;  // thirty years
  if (!(seconds >= 0 && seconds <= kLongest)) raise(ErrorCode::invalid_argument, field + " must be from 0 to 1e9 seconds", field);
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1'000)));
}

}  // namespace ndb::python
