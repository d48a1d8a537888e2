#include <cstdlib>

#include "bindings/c/handles.hpp"

namespace ndb::c {
namespace {

constexpr ndb_code code_of(ErrorCode code) noexcept { return static_cast<ndb_code>(static_cast<int>(code) + 1); }

// ndb.h's numbers are for ever; the order of ErrorCode gives them.
static_assert(code_of(ErrorCode::invalid_argument) == NDB_INVALID_ARGUMENT && code_of(ErrorCode::not_found) == NDB_NOT_FOUND);
static_assert(code_of(ErrorCode::already_exists) == NDB_ALREADY_EXISTS && code_of(ErrorCode::collection_locked) == NDB_COLLECTION_LOCKED);
static_assert(code_of(ErrorCode::fenced) == NDB_FENCED && code_of(ErrorCode::corruption) == NDB_CORRUPTION);
static_assert(code_of(ErrorCode::io_error) == NDB_IO_ERROR && code_of(ErrorCode::no_space) == NDB_NO_SPACE);
static_assert(code_of(ErrorCode::read_only) == NDB_READ_ONLY && code_of(ErrorCode::replica_lagging) == NDB_REPLICA_LAGGING);
static_assert(code_of(ErrorCode::timeout) == NDB_TIMEOUT && code_of(ErrorCode::overloaded) == NDB_OVERLOADED);
static_assert(code_of(ErrorCode::unauthenticated) == NDB_UNAUTHENTICATED && code_of(ErrorCode::permission_denied) == NDB_PERMISSION_DENIED);
static_assert(code_of(ErrorCode::unavailable) == NDB_UNAVAILABLE && code_of(ErrorCode::internal) == NDB_INTERNAL);

}  // namespace

ndb_code refuse(ndb_error** error, Error failure) noexcept {
  const ndb_code code = code_of(failure.code);
  if (error != nullptr) *error = new (std::nothrow) ndb_error{std::move(failure)};
  return code;
}

char* copy_text(std::string_view text) {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

}  // namespace ndb::c

const char* ndb_code_name(ndb_code code) {
  if (code == NDB_OK) return "ok";
  if (code < NDB_OK || code > NDB_INTERNAL) return "unknown";
  return ndb::error_code_name(static_cast<ndb::ErrorCode>(code - 1)).data();  // a literal
}

ndb_code ndb_error_code(const ndb_error* error) { return error == nullptr ? NDB_OK : ndb::c::code_of(error->error.code); }
const char* ndb_error_message(const ndb_error* error) { return error == nullptr ? "" : error->error.message.c_str(); }
const char* ndb_error_field(const ndb_error* error) { return error == nullptr ? "" : error->error.field.c_str(); }
void ndb_error_free(ndb_error* error) { delete error; }

const char* ndb_version(void) { return NDB_VERSION; }
void ndb_text_free(char* text) { std::free(text); }

size_t ndb_strings_count(const ndb_strings* strings) { return strings == nullptr ? 0 : strings->strings.size(); }
const char* ndb_strings_get(const ndb_strings* strings, size_t index) {
  return index < ndb_strings_count(strings) ? strings->strings[index].c_str() : nullptr;
}
void ndb_strings_free(ndb_strings* strings) { delete strings; }
