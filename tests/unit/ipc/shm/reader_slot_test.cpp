#include "ipc/shm/reader_slot.hpp"

#include <atomic>
#include <fstream>
#include <thread>

#include "ipc/shm/control_block.hpp"
#include "ipc/shm/layout.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/unit/ipc/shm/shared_name.hpp"

using namespace ndb;
using namespace ndb::ipc;
using namespace std::chrono_literals;
using test::ChildProcess;
using test::SharedName;

namespace {

class ManualClock final : public base::Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override { return now_; }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept override { return {}; }
  void advance(std::chrono::seconds by) { now_ += by; }

 private:
  std::chrono::steady_clock::time_point now_{1000s};
};

ControlBlock open_block(const SharedName& name, const base::Clock& clock = base::system_clock()) {
  auto block = ControlBlock::open_for_writer(name.key, ControlBlock::kPrivate, clock);
  REQUIRE(block);
  return std::move(*block);
}

ReaderSlot claim(ControlBlock& block) {
  auto slot = block.claim();
  REQUIRE(slot);
  return std::move(*slot);
}

// A child that pins `version` and lives until killed.
std::unique_ptr<ChildProcess> reader_process(const SharedName& name, std::uint64_t version) {
  auto child = std::make_unique<ChildProcess>([&name, version](const ChildProcess::Line& line) {
    auto block = ControlBlock::open_for_reader(name.key);
    auto slot = block ? block->claim() : Result<ReaderSlot>(std::unexpected(block.error()));
    if (!slot) return 1;
    slot->pin(ManifestVersion{version});
    line.say("pinned");
    return line.hear().empty() ? 0 : 1;
  });
  REQUIRE(child->hear() == "pinned");
  return child;
}

}  // namespace

TEST_CASE("the writer sees the oldest version that is pinned") {
  const SharedName name;
  ControlBlock block = open_block(name);
  CHECK_FALSE(block.min_pinned_version());
  ReaderSlot first = claim(block);
  CHECK_FALSE(block.min_pinned_version());
  first.pin(ManifestVersion{8});
  {
    ReaderSlot second = claim(block);
    second.pin(ManifestVersion{5});
    CHECK(block.min_pinned_version() == ManifestVersion{5});
  }
  CHECK(block.min_pinned_version() == ManifestVersion{8});
  first.pin(ManifestVersion{9});
  CHECK(block.min_pinned_version() == ManifestVersion{9});
}

TEST_CASE("a slot shows who reads, how far, and its counters") {
  const SharedName name;
  ControlBlock block = open_block(name);
  ReaderSlot slot = claim(block);
  slot.pin(ManifestVersion{2});
  slot.set_applied(Seq{77});
  slot.count(ReaderCounter::searches, 3);
  slot.count(ReaderCounter::swaps);
  const auto readers = block.slots();
  REQUIRE(readers.size() == 1);
  CHECK(readers[0].index == slot.index());
  CHECK(readers[0].process == this_process());
  CHECK(readers[0].pinned_version == ManifestVersion{2});
  CHECK(readers[0].applied_seq == Seq{77});
  CHECK(readers[0].counters[static_cast<std::size_t>(ReaderCounter::searches)] == 3);
  CHECK(readers[0].counters[static_cast<std::size_t>(ReaderCounter::swaps)] == 1);
  CHECK(readers[0].counters[static_cast<std::size_t>(ReaderCounter::errors)] == 0);
}

TEST_CASE("a slot is used again, clean") {
  const SharedName name;
  ControlBlock block = open_block(name);
  std::size_t index = 0;
  {
    ReaderSlot slot = claim(block);
    index = slot.index();
    slot.pin(ManifestVersion{4});
    slot.count(ReaderCounter::errors);
    block.wake_all();
  }
  CHECK(block.slots().empty());
  ReaderSlot again = claim(block);
  CHECK(again.index() == index);
  CHECK_FALSE(block.min_pinned_version());
  CHECK(block.slots().at(0).counters[static_cast<std::size_t>(ReaderCounter::errors)] == 0);
  CHECK_FALSE(again.wait(0ns));  // the wake-up was for the last one
}

TEST_CASE("when all slots are taken a claim says so, and works again once one is free") {
  const SharedName name;
  ControlBlock block = open_block(name);
  std::vector<ReaderSlot> slots;
  for (std::size_t i = 0; i < kMaxReaders; ++i) slots.push_back(claim(block));
  const auto refused = block.claim();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::unavailable);
  CHECK(block.slots().size() == kMaxReaders);
  const std::size_t index = slots[100].index();
  slots.erase(slots.begin() + 100);
  const auto granted = block.claim();
  REQUIRE(granted);
  CHECK(granted->index() == index);
}

TEST_CASE("a killed reader pins nothing, and its slot is used again") {
  const SharedName name;
  ControlBlock block = open_block(name);
  const auto doomed = reader_process(name, 3);
  const auto survivor = reader_process(name, 6);
  CHECK(block.min_pinned_version() == ManifestVersion{3});
  doomed->kill();
  doomed->join();
  CHECK(block.min_pinned_version() == ManifestVersion{6});
  CHECK(block.slots().size() == 1);
  CHECK(claim(block).index() == 0);
}

TEST_CASE("a full block takes new readers for dead ones") {
  const SharedName name;
  ControlBlock block = open_block(name);
  const auto doomed = reader_process(name, 3);
  std::vector<ReaderSlot> slots;
  for (std::size_t i = 1; i < kMaxReaders; ++i) slots.push_back(claim(block));
  REQUIRE_FALSE(block.claim());
  doomed->kill();
  doomed->join();
  CHECK(block.claim());
}

TEST_CASE("a reader of another pid namespace lives as long as its heart beats") {
  const SharedName name;
  ManualClock clock;
  ControlBlock block = open_block(name, clock);
  ReaderSlot slot = claim(block);
  slot.pin(ManifestVersion{3});
  const std::uint64_t elsewhere = this_process().pid_namespace + 1;
  const auto move_elsewhere = [&] {
    std::fstream file(name.file(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offsetof(layout::Block, slots) + slot.index() * sizeof(layout::Slot) +
                                           offsetof(layout::Slot, pid_namespace)));
    file.write(reinterpret_cast<const char*>(&elsewhere), sizeof elsewhere);
    REQUIRE(file.good());
  };
  move_elsewhere();
  clock.advance(59s);
  CHECK(block.min_pinned_version() == ManifestVersion{3});
  CHECK(slot.beat());
  move_elsewhere();
  clock.advance(59s);
  CHECK(block.min_pinned_version() == ManifestVersion{3});
  clock.advance(1s);
  CHECK_FALSE(block.min_pinned_version());
  CHECK_FALSE(slot.beat());  // it learns that it lost its slot
  CHECK_FALSE(slot.wait(1us));
  slot.pin(ManifestVersion{1});
  CHECK_FALSE(block.min_pinned_version());
}

TEST_CASE("a lost slot does not disturb its next owner") {
  const SharedName name;
  ControlBlock block = open_block(name);
  auto lost = std::make_unique<ReaderSlot>(claim(block));
  {
    std::fstream file(name.file(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offsetof(layout::Block, slots) + offsetof(layout::Slot, state)));
    const std::uint64_t free = 0;
    file.write(reinterpret_cast<const char*>(&free), sizeof free);
  }
  ReaderSlot owner = claim(block);
  REQUIRE(owner.index() == lost->index());
  owner.pin(ManifestVersion{12});
  lost->pin(ManifestVersion{1});
  lost->set_applied(Seq{1});
  lost.reset();
  CHECK(owner.beat());
  CHECK(block.min_pinned_version() == ManifestVersion{12});
}

TEST_CASE("a wake-up ends the wait, and what was published before is there") {
  const SharedName name;
  ControlBlock block = open_block(name);
  ReaderSlot slot = claim(block);
  for (std::uint64_t round = 1; round <= 200; ++round) {
    std::thread writer([&] {
      block.publish_manifest(ManifestVersion{round});
      block.wake_all();
    });
    const bool woken = slot.wait(60s);
    const bool seen = block.newest_manifest() == ManifestVersion{round};
    writer.join();
    REQUIRE(woken);
    REQUIRE(seen);
  }
  CHECK(block.slots().at(0).counters[static_cast<std::size_t>(ReaderCounter::wakeups)] == 200);
}

TEST_CASE("many wake-ups before a look are one") {
  const SharedName name;
  ControlBlock block = open_block(name);
  ReaderSlot slot = claim(block);
  for (int i = 0; i < 10; ++i) block.wake_all();
  CHECK(slot.wait(0ns));
  CHECK_FALSE(slot.wait(0ns));
  block.wake_all();
  CHECK(slot.wait(0ns));
  block.wake_all();
  slot.drain();
  CHECK_FALSE(slot.wait(0ns));
  slot.wake();
  CHECK(slot.wait(0ns));
}

TEST_CASE("a writer killed between its mark and its wake-up silences nobody") {
  const SharedName name;
  ControlBlock block = open_block(name);
  ReaderSlot slot = claim(block);
  {
    std::fstream file(name.file(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offsetof(layout::Block, slots) + offsetof(layout::Slot, wake)));
    const std::uint64_t pending = 1;
    file.write(reinterpret_cast<const char*>(&pending), sizeof pending);
  }
  block.wake_all();
  CHECK(slot.wait(0ns));
  CHECK_FALSE(slot.wait(0ns));
  block.wake_all();
  CHECK(slot.wait(0ns));
}

TEST_CASE("a writer wakes a reader in another process") {
  const SharedName name;
  ControlBlock block = open_block(name);
  ChildProcess child([&](const ChildProcess::Line& line) {
    auto mine = ControlBlock::open_for_reader(name.key);
    auto slot = mine ? mine->claim() : Result<ReaderSlot>(std::unexpected(mine.error()));
    if (!slot) return 1;
    line.say("ready");
    for (std::uint64_t round = 1; round <= 100; ++round) {
      if (!slot->wait(60s) || mine->newest_manifest() != ManifestVersion{round}) return 2;
      line.say("seen");
    }
    return 0;
  });
  REQUIRE(child.hear() == "ready");
  for (std::uint64_t round = 1; round <= 100; ++round) {
    block.publish_manifest(ManifestVersion{round});
    block.wake_all();
    REQUIRE(child.hear() == "seen");
  }
  CHECK(child.join() == 0);
}

TEST_CASE("a forked child's copy leaves its parent's slot alone") {
  const SharedName name;
  ControlBlock block = open_block(name);
  auto slot = std::make_unique<ReaderSlot>(claim(block));
  slot->pin(ManifestVersion{3});
  ChildProcess child([&](const ChildProcess::Line&) {
    slot.reset();
    return 0;
  });
  CHECK(child.join() == 0);
  CHECK(block.min_pinned_version() == ManifestVersion{3});
  CHECK(slot->beat());
}

TEST_CASE("a slot outlives the block object it came from") {
  const SharedName name;
  auto slot = [&] {
    ControlBlock block = open_block(name);
    return claim(block);
  }();
  slot.pin(ManifestVersion{3});
  CHECK(open_block(name).min_pinned_version() == ManifestVersion{3});
}

TEST_CASE("claims by many threads never share a slot") {
  const SharedName name;
  ControlBlock block = open_block(name);
  std::vector<std::atomic<int>> owners(kMaxReaders);
  std::atomic<bool> shared{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        auto slot = block.claim();
        if (!slot) continue;
        if (owners[slot->index()].fetch_add(1) != 0) shared = true;
        owners[slot->index()].fetch_sub(1);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(shared);
  CHECK(block.slots().empty());
}
