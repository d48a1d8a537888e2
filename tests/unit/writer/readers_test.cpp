#include "writer/readers.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace ndb::writer {
namespace {

struct TestClock final : base::Clock {
  std::chrono::steady_clock::time_point time{};
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override { return time; }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept override { return {}; }
};

TEST_CASE("readers that report are listed, and pin what they use, until they have been silent for long") {
  const test::TemporaryFolder folder;
  TestClock clock;
  Readers readers(folder.path(), false, clock);
  CHECK_FALSE(readers.min_pinned_version());
  REQUIRE(readers.reported({"a", 1, ManifestVersion{5}, Seq{10}}));
  clock.time += std::chrono::seconds(20);
  REQUIRE(readers.reported({"b", 1, ManifestVersion{7}, Seq{20}}));
  CHECK(readers.min_pinned_version() == ManifestVersion{5});
  const auto both = readers.list(Seq{25});
  REQUIRE(both.size() == 2);
  CHECK(both[0].host == "a");
  CHECK(both[0].lag_seq == 15);
  CHECK(both[0].age_seconds == 20.0);
  CHECK(both[1].lag_seq == 5);
  REQUIRE(readers.reported({"a", 1, ManifestVersion{9}, Seq{30}}));  // the same one again
  CHECK(readers.list(Seq{25}).size() == 2);
  CHECK(readers.list(Seq{25})[0].lag_seq == 0);
  CHECK(readers.min_pinned_version() == ManifestVersion{7});
  readers.pin_here(ManifestVersion{3});
  CHECK(readers.min_pinned_version() == ManifestVersion{3});
  clock.time += Readers::kForgetAfter + std::chrono::milliseconds(1);
  CHECK(readers.list(Seq{25}).empty());
  CHECK(readers.min_pinned_version() == ManifestVersion{3});
  readers.pin_here({});
  CHECK_FALSE(readers.min_pinned_version());
}

TEST_CASE("no more readers are noted than there may be") {
  const test::TemporaryFolder folder;
  TestClock clock;
  Readers readers(folder.path(), false, clock);
  for (std::size_t i = 0; i < Readers::kMaxReports; ++i) REQUIRE(readers.reported({"h", i, ManifestVersion{1}, Seq{1}}));
  CHECK(readers.reported({"h", 99'999, ManifestVersion{1}, Seq{1}}).error().code == ErrorCode::overloaded);
  CHECK(readers.reported({"h", 3, ManifestVersion{1}, Seq{1}}));
  clock.time += Readers::kForgetAfter * 2;
  CHECK(readers.reported({"h", 99'999, ManifestVersion{1}, Seq{1}}));
}

}  // namespace
}  // namespace ndb::writer
