#include "ipc/shm/control_block.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "ipc/shm/layout.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/ipc/shm/shared_name.hpp"

using namespace ndb;
using namespace ndb::ipc;
using test::ChildProcess;
using test::SharedName;

namespace {

CommitPosition position(std::uint64_t seq) { return {Seq{seq}, Epoch{seq * 3}, seq * 5 + 1, seq * 7}; }

void write_raw(const std::string& file, std::uint64_t offset, std::uint64_t word) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.write(reinterpret_cast<const char*>(&word), sizeof word);
  REQUIRE(stream.good());
}

void fill(const std::string& file, std::size_t bytes, std::mt19937_64& random) {
  std::ofstream stream(file, std::ios::binary);
  for (std::size_t i = 0; i < bytes; i += 8) {
    const std::uint64_t word = random();
    stream.write(reinterpret_cast<const char*>(&word), sizeof word);
  }
  stream.close();
  ::chmod(file.c_str(), 0600);
}

}  // namespace

TEST_CASE("a reader finds no block before a writer made one") {
  const SharedName name;
  const auto early = ControlBlock::open_for_reader(name.key);
  REQUIRE_FALSE(early);
  CHECK(early.error().code == ErrorCode::not_found);
  REQUIRE(ControlBlock::open_for_writer(name.key));
  const auto reader = ControlBlock::open_for_reader(name.key);
  REQUIRE(reader);
  CHECK(reader->newest_manifest() == ManifestVersion{0});
  CHECK_FALSE(reader->committed());
}

TEST_CASE("readers see what the writer publishes, and who it is") {
  const SharedName name;
  auto writer = ControlBlock::open_for_writer(name.key);
  const auto reader = ControlBlock::open_for_reader(name.key);
  REQUIRE(writer);
  REQUIRE(reader);
  writer->publish_manifest(ManifestVersion{7});
  writer->publish_commit(position(42));
  CHECK(reader->newest_manifest() == ManifestVersion{7});
  CHECK(reader->committed() == position(42));
  CHECK(reader->writer().alive);
  CHECK(reader->writer().process == this_process());
  CHECK(reader->writer().heartbeat_age < std::chrono::hours(1));
}

TEST_CASE("a next writer forgets what the last one published and keeps the readers") {
  const SharedName name;
  auto writer = ControlBlock::open_for_writer(name.key);
  REQUIRE(writer);
  auto slot = writer->claim();
  REQUIRE(slot);
  slot->pin(ManifestVersion{3});
  writer->publish_manifest(ManifestVersion{7});
  writer->publish_commit(position(42));
  auto next = ControlBlock::open_for_writer(name.key);
  REQUIRE(next);
  CHECK(next->newest_manifest() == ManifestVersion{0});
  CHECK_FALSE(next->committed());
  CHECK(next->min_pinned_version() == ManifestVersion{3});
  CHECK_FALSE(writer->stale());
}

TEST_CASE("a commit position is never read in pieces") {
  const SharedName name;
  auto writer = ControlBlock::open_for_writer(name.key);
  REQUIRE(writer);
  std::atomic<bool> stop{false};
  writer->publish_commit(position(1));
  std::thread publisher([&] {
    for (std::uint64_t i = 2; !stop.load(); ++i) writer->publish_commit(position(i));
  });
  Seq last{};
  bool whole = true;
  while (last.value < 20'000) {
    const auto seen = writer->committed();
    if (!seen) continue;
    whole = whole && *seen == position(seen->seq.value) && seen->seq >= last;
    last = seen->seq;
  }
  stop = true;
  publisher.join();
  CHECK(whole);
  CHECK(writer->committed());
}

TEST_CASE("a writer killed while it published leaves no position, and the next one mends it") {
  const SharedName name;
  auto writer = ControlBlock::open_for_writer(name.key);
  REQUIRE(writer);
  writer->publish_commit(position(9));
  write_raw(name.file(), offsetof(layout::Block, commit_version), 11);
  CHECK_FALSE(writer->committed());
  writer->publish_commit(position(10));
  CHECK(writer->committed() == position(10));
}

TEST_CASE("a dead writer is known to be dead") {
  const SharedName name;
  ChildProcess child([&](const ChildProcess::Line& line) {
    const auto writer = ControlBlock::open_for_writer(name.key);
    line.say(writer ? "open" : writer.error().message);
    return line.hear().empty() ? 0 : 1;
  });
  REQUIRE(child.hear() == "open");
  const auto reader = ControlBlock::open_for_reader(name.key);
  REQUIRE(reader);
  CHECK(reader->writer().alive);
  child.kill();
  child.join();
  CHECK_FALSE(reader->writer().alive);
}

TEST_CASE("a block of another layout is unavailable to readers and replaced by the writer") {
  const SharedName name;
  const auto old_writer = ControlBlock::open_for_writer(name.key);
  REQUIRE(old_writer);
  const std::size_t offset = GENERATE(offsetof(layout::Block, magic), offsetof(layout::Block, layout_version),
                                      offsetof(layout::Block, bytes), offsetof(layout::Block, slot_count));
  CAPTURE(offset);
  write_raw(name.file(), offset, 99);
  const auto reader = ControlBlock::open_for_reader(name.key);
  REQUIRE_FALSE(reader);
  CHECK(reader.error().code == ErrorCode::unavailable);
  CHECK_FALSE(old_writer->stale());
  REQUIRE(ControlBlock::open_for_writer(name.key));
  CHECK(old_writer->stale());
  CHECK(ControlBlock::open_for_reader(name.key));
}

TEST_CASE("a file of any other size or content is no block") {
  const SharedName name;
  std::mt19937_64 random(20'240'607);
  for (const std::size_t bytes : {std::size_t{8}, sizeof(layout::Block) - 8, sizeof(layout::Block), sizeof(layout::Block) + 4096}) {
    CAPTURE(bytes);
    fill(name.file(), bytes, random);
    const auto reader = ControlBlock::open_for_reader(name.key);
    REQUIRE_FALSE(reader);
    CHECK(reader.error().code == ErrorCode::unavailable);
    REQUIRE(ControlBlock::open_for_writer(name.key));
    CHECK(ControlBlock::open_for_reader(name.key));
    ControlBlock::remove(name.key);
  }
}

TEST_CASE("a block whose creator died half-way is replaced") {
  const SharedName name;
  const int descriptor = ::open(name.file().c_str(), O_CREAT | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
  REQUIRE(descriptor >= 0);
  const off_t bytes = GENERATE(off_t{0}, static_cast<off_t>(sizeof(layout::Block)));
  REQUIRE(::ftruncate(descriptor, bytes) == 0);
  ::close(descriptor);
  CHECK_FALSE(ControlBlock::open_for_reader(name.key));
  CHECK(ControlBlock::open_for_writer(name.key));
  CHECK(ControlBlock::open_for_reader(name.key));
}

TEST_CASE("no garbage behind a good header makes a call crash or hang") {
  const SharedName name;
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    ControlBlock::remove(name.key);
    auto writer = ControlBlock::open_for_writer(name.key);
    REQUIRE(writer);
    for (std::size_t offset = 32; offset < sizeof(layout::Block); offset += 8)
      if (random() % 4 != 0) write_raw(name.file(), offset, random() >> (random() % 64));
    writer->publish_manifest(ManifestVersion{5});
    CHECK(writer->newest_manifest() == ManifestVersion{5});
    writer->publish_commit(position(6));
    CHECK(writer->committed() == position(6));
    writer->wake_all();
    static_cast<void>(writer->min_pinned_version());
    CHECK(writer->slots().size() <= kMaxReaders);
    if (auto slot = writer->claim()) {
      slot->pin(ManifestVersion{1});
      slot->drain();
      slot->wait(std::chrono::microseconds(1));
      CHECK(slot->beat());
    }
  }
}

TEST_CASE("a block that others may open is refused unless that was asked for") {
  const SharedName name;
  REQUIRE(ControlBlock::open_for_writer(name.key, 0660));
  CHECK_FALSE(ControlBlock::open_for_reader(name.key));
  CHECK_FALSE(ControlBlock::open_for_writer(name.key));
  CHECK(ControlBlock::open_for_reader(name.key, 0660));
}

TEST_CASE("names that are no names are refused") {
  for (const std::string& key : {std::string(), std::string("../x"), std::string("a/b"), std::string(".."), std::string(300, 'a')}) {
    CAPTURE(key);
    const auto block = ControlBlock::open_for_writer(key);
    REQUIRE_FALSE(block);
    CHECK(block.error().code == ErrorCode::invalid_argument);
    ControlBlock::remove(key);
  }
}

TEST_CASE("the key depends on the folder, not on the path to it") {
  const test::TemporaryFolder folder;
  std::filesystem::create_directory(folder / "a");
  std::filesystem::create_directory(folder / "b");
  std::filesystem::create_symlink(folder / "a", folder / "link");
  CHECK(control_block_key(folder / "a") == control_block_key(folder / "link"));
  CHECK(control_block_key(folder / "a") != control_block_key(folder / "b"));
  CHECK(control_block_key(folder / "c").error().code == ErrorCode::not_found);
}

TEST_CASE("many processes that open at once end up in one block") {
  const SharedName name;
  std::vector<std::unique_ptr<ChildProcess>> children;
  for (int i = 0; i < 8; ++i) {
    children.push_back(std::make_unique<ChildProcess>([&](const ChildProcess::Line& line) {
      line.say("ready");
      if (line.hear() != "go") return 1;
      auto block = ControlBlock::open_for_writer(name.key);
      auto slot = block ? block->claim() : Result<ReaderSlot>(std::unexpected(block.error()));
      line.say(slot ? std::to_string(slot->index()) : slot.error().message);
      return line.hear() == "end" ? 0 : 1;
    }));
    REQUIRE(children.back()->hear() == "ready");
  }
  for (const auto& child : children) child->say("go");
  std::vector<bool> taken(kMaxReaders, false);
  for (const auto& child : children) {
    const std::string index = child->hear();
    REQUIRE(index.find_first_not_of("0123456789") == std::string::npos);
    CHECK_FALSE(taken.at(std::stoul(index)));
    taken.at(std::stoul(index)) = true;
  }
  auto block = ControlBlock::open_for_writer(name.key);
  REQUIRE(block);
  CHECK(block->slots().size() == 8);
  for (const auto& child : children) child->say("end");
}

TEST_CASE("a block that is cut off under its users is stale, and no call on it ends the process") {
  const SharedName name;
  auto writer = ControlBlock::open_for_writer(name.key);
  REQUIRE(writer);
  auto reader = ControlBlock::open_for_reader(name.key);
  REQUIRE(reader);
  auto slot = reader->claim();
  REQUIRE(slot);
  CHECK_FALSE(reader->stale());
  for (const std::uintmax_t left : {std::uintmax_t{5000}, std::uintmax_t{0}}) {
    std::filesystem::resize_file(name.file(), left);
    writer->publish_manifest(ManifestVersion{7});
    writer->publish_commit({Seq{1}, Epoch{1}, 1, 100});
    writer->wake_all();
    CHECK(writer->slots().size() <= 1);
    static_cast<void>(writer->min_pinned_version());
    slot->pin(ManifestVersion{3});
    static_cast<void>(slot->wait(std::chrono::milliseconds(1)));
    static_cast<void>(reader->newest_manifest());
    static_cast<void>(reader->committed());
    CHECK(reader->stale());
    CHECK(writer->stale());
  }
  CHECK_FALSE(ControlBlock::open_for_reader(name.key));
  CHECK(ControlBlock::open_for_writer(name.key));
  CHECK(ControlBlock::open_for_reader(name.key));
}
