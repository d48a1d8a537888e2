// What the opaque types of ndb.h are, and how every function keeps exceptions and NULLs from getting through.
//
// Threads: as ndb.h says; the objects below do not change once they are handed out.
#pragma once

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/c/ndb.h"
#include "ndb/ndb.hpp"
#include "shared/base/result.hpp"

namespace ndb::c {

[[nodiscard]] inline std::vector<const char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const auto& text : texts) pointers.push_back(text.c_str());
  return pointers;
}

}  // namespace ndb::c

struct ndb_error {
  ndb::Error error;
};
struct ndb_database {
  ndb::Database database;
};
struct ndb_collection {
  ndb::Collection collection;
  // What ndb_config() points to.
  std::vector<const char*> attributes_only = ndb::c::pointers_to(collection.config().attributes.only);
  std::vector<const char*> attributes_never = ndb::c::pointers_to(collection.config().attributes.never);
};
struct ndb_strings {
  std::vector<std::string> strings;
};
struct ndb_documents {
  std::vector<ndb::Document> documents;
  std::vector<std::string> missing;
  std::optional<std::string> next;
};
struct ndb_results {
  std::vector<ndb::SearchResult> results;
};

namespace ndb::c {

/// Hands `failure` to the caller, who may not want it.
[[nodiscard]] ndb_code refuse(ndb_error** error, Error failure) noexcept;

/// invalid_argument under `field` if the pointer is NULL.
template <class T>
[[nodiscard]] Status require(const T* pointer, std::string_view field) {
  if (pointer == nullptr) return fail(ErrorCode::invalid_argument, std::string(field) + " is NULL", std::string(field));
  return {};
}

/// Runs body() -> Status, and turns what goes wrong, exceptions included, into a code and an ndb_error.
template <class Body>
[[nodiscard]] ndb_code guarded(ndb_error** error, Body body) noexcept {
  try {
    Status status = body();
    return status ? NDB_OK : refuse(error, std::move(status).error());
  } catch (const std::bad_alloc&) {
    return refuse(error, Error{ErrorCode::internal, "out of memory", {}});
  } catch (const std::exception& thrown) {
    return refuse(error, Error{ErrorCode::internal, thrown.what(), {}});
  } catch (...) {
    return refuse(error, Error{ErrorCode::internal, "an unknown exception", {}});
  }
}

/// As guarded(), for what is handed out through `out`: body() -> Result<T*>.
template <class T, class Body>
[[nodiscard]] ndb_code handed_out(T** out, ndb_error** error, Body body) noexcept {
  if (out != nullptr) *out = nullptr;
  return guarded(error, [&]() -> Status {
    NDB_TRY(require(out, "out"));
    NDB_TRY_ASSIGN(*out, body());
    return {};
  });
}

/// Reads a struct of the caller, whose header may be of another version, over the defaults: what it does not have keeps its default;
/// what this library does not know must be zero. invalid_argument if its size cannot be. NULL: the defaults.
template <class T>
[[nodiscard]] Result<T> read_sized(const T* given, const T& defaults, std::string_view field) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (given == nullptr) return defaults;
  std::size_t size = 0;
  std::memcpy(&size, given, sizeof size);
  constexpr std::size_t kLargest = 4096;
  if (size <= sizeof size || size > kLargest)
    return fail(ErrorCode::invalid_argument, std::string(field) + ".size is " + std::to_string(size) + "; initialize the struct with its macro",
                std::string(field) + ".size");
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  for (std::size_t i = sizeof(T); i < size; ++i)
    if (bytes[i] != 0)
      return fail(ErrorCode::invalid_argument, std::string(field) + " sets something that this version of the library does not know",
                  std::string(field));
  T result = defaults;
  std::memcpy(&result, bytes, std::min(size, sizeof(T)));
  return result;
}

/// Fills a struct of the caller as far as it goes. NULL: nothing.
template <class T>
[[nodiscard]] Status write_sized(T* out, const T& value, std::string_view field) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (out == nullptr) return {};
  T with_size = value;
  with_size.size = out->size;
  if (out->size <= sizeof out->size)
    return fail(ErrorCode::invalid_argument, std::string(field) + ".size is not set; initialize the struct with its macro", std::string(field) + ".size");
  std::memcpy(out, &with_size, std::min(out->size, sizeof(T)));
  return {};
}

/// write_sized's refusal, before anything was changed.
template <class T>
[[nodiscard]] Status check_sized(const T* out, std::string_view field) {
  if (out == nullptr || out->size > sizeof out->size) return {};
  return fail(ErrorCode::invalid_argument, std::string(field) + ".size is not set; initialize the struct with its macro", std::string(field) + ".size");
}

/// A filter's JSON, or NULL for all.
[[nodiscard]] inline Result<Filter> read_filter(const char* json) { return json == nullptr ? Result<Filter>(Filter{}) : Filter::from_json(json); }

/// A text for ndb_text_free.
[[nodiscard]] char* copy_text(std::string_view text);

}  // namespace ndb::c
