// Everything that a snapshot shows at one sequence number, found by walking all rows. Plain functions.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "shared/live/snapshot.hpp"
#include "tests/support/catch.hpp"

namespace ndb::test {

/// id → first element of its vector.
using Contents = std::map<std::string, float>;

/// nullopt, with `why`, if a document is there twice or if its look-up by id finds something else. For any thread.
[[nodiscard]] inline std::optional<Contents> walk(const live::Snapshot& snapshot, Seq at, std::string& why) {
  Contents all;
  const auto add = [&](std::string_view id, float value) {
    if (!all.emplace(std::string(id), value).second) why = "twice: " + std::string(id);
  };
  for (const auto& slot : snapshot.segments)
    for (Row row = 0; row < slot.view->rows(); ++row)
      if (slot.tombstones->visible(row, at)) add(slot.view->row_id(row), slot.view->vector(row)[0]);
  for (const auto& memtable : snapshot.memtables)
    for (Row row = 0, rows = memtable->row_count(); row < rows; ++row)
      if (memtable->visible(row, at)) add(memtable->row_id(row), memtable->vector(row)[0]);
  for (const auto& [id, value] : all) {
    const auto found = snapshot.find(id, at);
    if (!found || found->vector()[0] != value) why = "not found under its id: " + id;
  }
  if (!why.empty()) return std::nullopt;
  return all;
}

/// The same in the test's own thread: fails the test.
[[nodiscard]] inline Contents contents(const live::Snapshot& snapshot, Seq at) {
  std::string why;
  const auto all = walk(snapshot, at, why);
  INFO("at seq " << at.value << ": " << why);
  REQUIRE(all);
  return *all;
}

}  // namespace ndb::test
