// Shared memory is a cache that anybody with the right user may ruin. Real daemons go on through everything that is done to
// their control block: whatever was acknowledged is found by the readers, by polling if need be.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "ipc/shm/control_block.hpp"
#include "ipc/shm/layout.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/json_api.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/temp_folder.hpp"

namespace json = boost::json;
using namespace ndb;
using ipc::layout::Block;
using ipc::layout::Word;
using test::call;
using test::ChildProcess;

namespace {

/// One writer, one reader, one collection; every write must be found by the reader.
class Pair {
 public:
  Pair() : writer_(NDB_WRITER_BINARY, arguments()), reader_(NDB_READER_BINARY, arguments()), writing_(writer_.connect()), reading_(reader_.connect()) {
    call(writing_, "PUT", "/v1/collections/docs", R"({"dim":3,"distance":"euclidean"})");
    for (;;) {  // until the reader has found the collection
      const auto answer = reading_.request("GET", "/v1/collections/docs", {}, "");
      if (answer && answer->ok()) break;
    }
    const auto key = ipc::control_block_key(collection());
    REQUIRE(key);
    key_ = *key;
    ipc::ControlBlock::remove(key_);  // of an earlier folder with this inode
    write_and_find(1);                // a writer makes the block when it first writes
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() { ipc::ControlBlock::remove(key_); }

  [[nodiscard]] std::filesystem::path collection() const { return folder_.path() / "docs"; }
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  [[nodiscard]] std::string file() const { return "/dev/shm/" + key_; }
  [[nodiscard]] std::vector<std::string> arguments() const { return {"--data-dir", folder_.path().string(), "--poll-interval-ms", "5"}; }
  http::Client& reading() noexcept { return reading_; }
  http::Client& writing() noexcept { return writing_; }
  [[nodiscard]] pid_t reader_pid() const noexcept { return reader_.pid(); }

  /// Writes one more document and waits until `client` (of a reader) finds it; flushes now and then, so that files come and go.
  void write_and_find(http::Client& client) {
    const int n = ++written_;
    const auto answer = call(writing_, "POST", "/v1/collections/docs/documents",
                             R"({"documents":[{"id":"d)" + std::to_string(n) + R"(","vector":[)" + std::to_string(n) + ",0,0]}]}");
    const auto found = call(client, "POST", "/v1/collections/docs/search",
                            R"({"vector":[)" + std::to_string(n) + R"(,0,0],"top_k":1,"timeout_ms":300000,"min_seq":)" +
                                std::to_string(answer.at("seq").to_number<std::uint64_t>()) + "}");
    REQUIRE(found.at("matches").at(0).at("id").as_string() == "d" + std::to_string(n));
    if (n % 10 == 0) call(writing_, "POST", "/v1/collections/docs/flush?wait=true");
  }
  void write_and_find(int times) {
    for (int i = 0; i < times; ++i) write_and_find(reading_);
    REQUIRE(call(reading_, "POST", "/v1/collections/docs/count", "{}").at("count") == written_);
  }

  /// The reader processes that the writer knows of.
  [[nodiscard]] std::vector<pid_t> replicas() {
    std::vector<pid_t> pids;
    const auto answer = call(writing_, "GET", "/v1/collections/docs/replicas");
    for (const auto& replica : answer.at("replicas").as_array()) pids.push_back(replica.at("pid").to_number<pid_t>());
    return pids;
  }
  void stop() {
    CHECK(reader_.stop(SIGTERM) == 0);
    CHECK(writer_.stop(SIGTERM) == 0);
  }

 private:
  test::TempFolder folder_;
  test::DaemonProcess writer_, reader_;
  http::Client writing_, reading_;
  std::string key_;
  int written_ = 0;
};

/// The block as words that anybody may write, or nullptr.
Block* map_block(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR);
  if (fd < 0) return nullptr;
  void* begin = ::mmap(nullptr, sizeof(Block), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return begin == MAP_FAILED ? nullptr : static_cast<Block*>(begin);
}

/// The same, which must be there.
Block* must_map_block(const std::string& file) {
  Block* block = map_block(file);
  if (block == nullptr) ::_exit(3);
  return block;
}

}  // namespace

TEST_CASE("words of garbage that are written into the block without end silence nobody") {
  for (const auto seed : test::seeds(1)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    Pair pair;
    pair.write_and_find(5);
    ChildProcess hostile([&](const ChildProcess::Line& line) -> int {
      std::mt19937_64 random(seed);
      Block* block = must_map_block(pair.file());
      auto* words = reinterpret_cast<Word*>(block);
      line.say("at it");
      for (;;)
        words[random() % (sizeof(Block) / sizeof(Word))].store(random() % 3 == 0 ? random() : random() % 4, std::memory_order_relaxed);
    });
    REQUIRE(hostile.hear() == "at it");
    pair.write_and_find(60);
    hostile.kill();
    pair.write_and_find(5);
    pair.stop();
  }
}

TEST_CASE("a reader that is woken without end and told that there is nothing new finds out by itself") {
  Pair pair;
  ChildProcess hostile([&](const ChildProcess::Line& line) -> int {
    Block* block = must_map_block(pair.file());
    line.say("at it");
    for (;;) {
      block->manifest_version.store(0);
      for (std::size_t i = 0; i < 4; ++i) block->slots[i].wake.store(1);
    }
  });
  REQUIRE(hostile.hear() == "at it");
  pair.write_and_find(60);  // several log files and manifests
  hostile.kill();
  pair.stop();
}

TEST_CASE("a block that is deleted, cut off, replaced or of another version is no more than a block that is missing") {
  Pair pair;
  const auto put = [&](std::size_t bytes, std::byte value) {
    const int fd = ::open(pair.file().c_str(), O_RDWR | O_CREAT, 0600);
    REQUIRE(fd >= 0);
    const std::vector<std::byte> content(bytes, value);
    REQUIRE(::ftruncate(fd, 0) == 0);
    REQUIRE(::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    ::close(fd);
  };
  for (int round = 0; round < 3; ++round) {
    ::unlink(pair.file().c_str());
    pair.write_and_find(4);
    put(0, {});  // under those who have it mapped, if it is there again
    pair.write_and_find(4);
    put(100, std::byte{1});
    pair.write_and_find(4);
    ::unlink(pair.file().c_str());
    put(sizeof(Block), std::byte{0xA5});
    pair.write_and_find(4);
    if (Block* block = map_block(pair.file())) {
      block->layout_version.store(ipc::layout::kLayoutVersion + 1);
      ::munmap(block, sizeof(Block));
    }
    pair.write_and_find(4);
  }
  ::unlink(pair.file().c_str());
  // The writer makes a new one, and the reader finds it.
  for (std::vector<pid_t> known; std::ranges::find(known, pair.reader_pid()) == known.end();) known = pair.replicas();
  pair.write_and_find(4);
  pair.stop();
}

TEST_CASE("readers that are killed at any instruction, again and again, leave nothing behind") {
  for (const auto seed : test::seeds(1)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    std::mt19937_64 random(seed);
    Pair pair;
    for (int round = 0; round < 150; ++round) {
      ChildProcess reader([&](const ChildProcess::Line& line) {
        for (std::uint64_t n = 1;; ++n) {
          auto block = ipc::ControlBlock::open_for_reader(pair.key(), 0777);
          if (!block) continue;
          auto slot = block->claim();
          if (!slot) return 1;
          slot->pin(ManifestVersion{n});
          slot->set_applied(Seq{n});
          static_cast<void>(slot->wait(std::chrono::microseconds(n % 50)));
          if (n == 1) line.say("reading");
        }
      });
      if (round % 4 != 0) REQUIRE(reader.hear() == "reading");
      for (auto spins = random() % 100'000; spins > 0; --spins) std::atomic_signal_fence(std::memory_order_seq_cst);
      reader.kill();
      if (round % 10 == 0) pair.write_and_find(1);
    }
    for (std::vector<pid_t> known = {0, 0}; known.size() != 1;) known = pair.replicas();  // the dead are found out at a look
    CHECK(pair.replicas() == std::vector{pair.reader_pid()});
    for (int round = 0; round < 4; ++round) {  // and real ones, in the middle of opening and of following
      test::DaemonProcess reader(NDB_READER_BINARY, pair.arguments());
      auto client = reader.connect();
      pair.write_and_find(round % 2 == 0 ? client : pair.reading());
      CHECK(reader.stop(SIGKILL) == 128 + SIGKILL);
    }
    pair.write_and_find(5);
    pair.stop();
  }
}

TEST_CASE("readers that find every slot taken poll, and get one when it is free") {
  Pair pair;
  ChildProcess crowd([&](const ChildProcess::Line& line) {
    auto block = ipc::ControlBlock::open_for_reader(pair.key(), 0777);
    if (!block) return 1;
    std::vector<ipc::ReaderSlot> slots;
    for (auto slot = block->claim(); slot; slot = block->claim()) slots.push_back(std::move(*slot));
    line.say("taken");
    static_cast<void>(line.hear());
    return 0;
  });
  REQUIRE(crowd.hear() == "taken");
  const test::DaemonProcess late(NDB_READER_BINARY, pair.arguments());
  auto client = late.connect();
  for (int i = 0; i < 20; ++i) pair.write_and_find(client);
  auto known = pair.replicas();
  CHECK(std::ranges::find(known, late.pid()) == known.end());
  crowd.kill();
  while (std::ranges::find(known, late.pid()) == known.end()) known = pair.replicas();
  pair.write_and_find(client);
  pair.stop();
}
