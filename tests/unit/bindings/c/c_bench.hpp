// A database opened through ndb.h in a fresh folder, and handles that give themselves back. One thread.
#pragma once

#include <ndb.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"

namespace ndb::test {

/// Frees what it holds with Free; &handle is an out-parameter.
template <class T, void (*Free)(T*)>
class Owned {
 public:
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { Free(held_); }
  [[nodiscard]] T** operator&() {  // NOLINT: an out-parameter, again and again
    Free(held_);
    held_ = nullptr;
    return &held_;
  }
  operator T*() const noexcept { return held_; }  // NOLINT
  /// For functions that free it themselves.
  [[nodiscard]] T* give() { return std::exchange(held_, nullptr); }

 private:
  T* held_ = nullptr;
};

using CDatabase = Owned<ndb_database, ndb_release>;
using CCollection = Owned<ndb_collection, ndb_collection_free>;
using CResults = Owned<ndb_results, ndb_results_free>;
using CDocuments = Owned<ndb_documents, ndb_documents_free>;
using CStrings = Owned<ndb_strings, ndb_strings_free>;
using CError = Owned<ndb_error, ndb_error_free>;
using CText = Owned<char, ndb_text_free>;

inline ndb_collection_config config_of(std::uint32_t dim, ndb_distance distance = NDB_EUCLIDEAN) {
  ndb_collection_config config = NDB_COLLECTION_CONFIG_INIT;
  config.dim = dim;
  config.distance = distance;
  return config;
}

/// call(ndb_error**) must be refused with this code and field, and say why.
template <class Call>
void check_refused(ndb_code code, const std::string& field, Call call) {
  CError error;
  CHECK(call(&error) == code);
  REQUIRE(static_cast<ndb_error*>(error) != nullptr);
  CHECK(ndb_error_code(error) == code);
  CHECK(std::string(ndb_error_field(error)) == field);
  CHECK_FALSE(std::string(ndb_error_message(error)).empty());
  CHECK(call(nullptr) == code);  // who does not want the error need not take it
}

/// Three documents at (0, 0), (1, 0) and (2, 0), with n = 0, 1 and no payload.
struct CBench {
  TempFolder folder;
  CDatabase db;
  CCollection docs;

  explicit CBench(bool filled = true) {
    REQUIRE(ndb_open(folder.path().c_str(), nullptr, &db, nullptr) == NDB_OK);
    const auto config = config_of(2);
    REQUIRE(ndb_create_collection(db, "docs", &config, &docs, nullptr) == NDB_OK);
    if (filled) fill();
  }
  void fill() {
    const std::vector<const char*> ids = {"a", "b", "c"};
    const std::vector<float> vectors = {0, 0, 1, 0, 2, 0};
    const std::vector<const char*> payloads = {R"({"n":0})", R"({"n":1,"tags":["x","y"]})", nullptr};
    REQUIRE(ndb_insert_batch(docs, 3, ids.data(), vectors.data(), 2, payloads.data(), nullptr, nullptr) == NDB_OK);
  }
  [[nodiscard]] std::uint64_t count(const char* filter = nullptr) const {
    std::uint64_t found = 0;
    REQUIRE(ndb_count(docs, filter, &found, nullptr) == NDB_OK);
    return found;
  }
};

}  // namespace ndb::test
