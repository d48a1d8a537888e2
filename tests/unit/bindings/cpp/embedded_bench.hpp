// A database in a fresh folder, with one small collection. One thread.
#pragma once

#include <string>
#include <vector>

#include "ndb/ndb.hpp"
#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/must.hpp"
#include "tests/support/temp_folder.hpp"

namespace ndb::test {

[[nodiscard]] inline Document document(const std::string& id, float x, std::string payload = {}) {
  return {id, {x, 1.0F, 2.0F}, std::move(payload)};
}

class EmbeddedBench {
 public:
  explicit EmbeddedBench(Distance distance = Distance::cosine) {
    must(db.create_collection("docs", {.dim = 3, .distance = distance}));
  }
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TempFolder folder_;

 public:
  Database db = must(Database::open(folder_.path()));
  [[nodiscard]] Collection docs() const { return must(db.get_collection("docs")); }
};

}  // namespace ndb::test
