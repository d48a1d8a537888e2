#include "writer/fencing.hpp"

#include "tests/unit/writer/writer_bench.hpp"

using namespace ndb;
using namespace ndb::writer;
using test::WriterBench;

TEST_CASE("epochs are claimed one after another and published in EPOCH") {
  WriterBench bench;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    const auto epoch = claim_epoch(bench.fs, bench.path(), "7@host");
    REQUIRE(epoch);
    CHECK(*epoch == Epoch{n});
    const auto published = format::read_epoch(bench.fs, bench.path());
    REQUIRE(published);
    CHECK(published->epoch == *epoch);
    CHECK(published->holder == "7@host");
    CHECK(check_epoch(bench.fs, bench.path(), *epoch));
  }
}

TEST_CASE("a writer whose epoch was replaced is fenced, and told by whom") {
  WriterBench bench;
  const auto mine = claim_epoch(bench.fs, bench.path(), "7@host");
  REQUIRE(mine);
  REQUIRE(claim_epoch(bench.fs, bench.path(), "8@other"));
  const auto checked = check_epoch(bench.fs, bench.path(), *mine);
  REQUIRE_FALSE(checked);
  CHECK(checked.error().code == ErrorCode::fenced);
  CHECK(test::contains(checked.error().message, "8@other"));
}

TEST_CASE("an epoch that was claimed but never published is not claimed again") {
  WriterBench bench;
  bench.fs.set_rule([](test::Call call, const fs::Path& path) -> std::optional<test::Fault> {
    if (call == test::Call::rename && path.filename() == "EPOCH") return test::io_fault();
    return {};
  });
  REQUIRE_FALSE(claim_epoch(bench.fs, bench.path(), "7@host"));
  bench.fs.clear();
  CHECK(claim_epoch(bench.fs, bench.path(), "7@host").value() == Epoch{2});
}

TEST_CASE("a claim whose answer is lost takes a later epoch instead") {
  WriterBench bench;
  int lost = 0;
  bench.fs.set_rule([&](test::Call call, const fs::Path& path) -> std::optional<test::Fault> {
    if (call == test::Call::link && test::in_folder(path, "epochs") && lost++ == 0)
      return test::Fault{{ErrorCode::already_exists, "it was ours", {}}, true};
    return {};
  });
  CHECK(claim_epoch(bench.fs, bench.path(), "7@host").value() == Epoch{2});
}

TEST_CASE("a writer that stalled while another claimed a later epoch gives up") {
  WriterBench bench;
  bool inside = false;
  bench.fs.set_rule([&](test::Call call, const fs::Path& path) -> std::optional<test::Fault> {
    if (call == test::Call::rename && path.filename() == "EPOCH" && !inside) {
      inside = true;
      const auto other = claim_epoch(fs::posix_file_system(), bench.path(), "8@other");
      REQUIRE(other);
      CHECK(*other == Epoch{2});
    }
    return {};
  });
  const auto mine = claim_epoch(bench.fs, bench.path(), "7@host");
  REQUIRE_FALSE(mine);
  CHECK(mine.error().code == ErrorCode::fenced);
  bench.fs.clear();
  CHECK(claim_epoch(bench.fs, bench.path(), "9@host").value() == Epoch{3});
}

TEST_CASE("an unreadable EPOCH never passes for ours") {
  WriterBench bench;
  const auto mine = claim_epoch(bench.fs, bench.path(), "7@host");
  REQUIRE(mine);
  test::flip_bit(format::epoch_path(bench.path()), 12);
  CHECK(check_epoch(bench.fs, bench.path(), *mine).error().code == ErrorCode::corruption);
  std::filesystem::remove(format::epoch_path(bench.path()));
  CHECK(check_epoch(bench.fs, bench.path(), *mine).error().code == ErrorCode::not_found);
}
