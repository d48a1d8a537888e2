// Everything that a snapshot shows at one sequence number, found by walking all rows: a document that is there twice fails
// the test. Plain functions.
#pragma once

#include <map>
#include <string>

#include "shared/live/snapshot.hpp"
#include "tests/support/catch.hpp"

namespace ndb::test {

/// id → first element of its vector.
using Contents = std::map<std::string, float>;

[[nodiscard]] inline Contents contents(const live::Snapshot& snapshot, Seq at) {
  Contents all;
  const auto add = [&](std::string_view id, float value) {
    INFO("document " << id << " at seq " << at.value);
    const bool once = all.emplace(std::string(id), value).second;
    REQUIRE(once);
  };
  for (const auto& slot : snapshot.segments)
    for (Row row = 0; row < slot.view->rows(); ++row)
      if (slot.tombstones->visible(row, at)) add(slot.view->row_id(row), slot.view->vector(row)[0]);
  for (const auto& memtable : snapshot.memtables)
    for (Row row = 0; row < memtable->row_count(); ++row)
      if (memtable->visible(row, at)) add(memtable->row_id(row), memtable->vector(row)[0]);
  // The look-up by id agrees with the walk.
  for (const auto& [id, value] : all) {
    const auto found = snapshot.find(id, at);
    INFO("document " << id << " at seq " << at.value);
    REQUIRE(found);
    REQUIRE(found->vector()[0] == value);
  }
  return all;
}

}  // namespace ndb::test
