#include "shared/format/wal.hpp"

#include <algorithm>
#include <random>

#include "shared/base/crc32c.hpp"
#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/seeds.hpp"

using namespace ndb;
using namespace ndb::format;

namespace {

constexpr std::uint32_t kDim = 3;
const Path kWalPath = "c/wal/1-0.wal";

void append_frame(std::vector<std::byte>& out, const WalBodyBuilder& body, Seq first_seq, std::uint64_t synced_bytes) {
  append_wal_frame_header(out, {.epoch = Epoch{1}, .first_seq = first_seq, .synced_bytes = synced_bytes,
                                .op_count = body.op_count(), .body_bytes = static_cast<std::uint32_t>(body.bytes().size()),
                                .body_checksum = body.checksum()});
  base::append_bytes(out, body.bytes());
}

/// Frames: two puts; a sync mark; a removal and a put without payload.
struct Sample {
  std::vector<std::byte> bytes;
  std::vector<std::size_t> ends;  // of each frame
};

Sample sample_wal() {
  Sample sample;
  const std::vector<float> vector = {1.0F, -2.5F, 3.25F};
  WalBodyBuilder first;
  first.put("a", vector, base::as_bytes("payload"));
  first.put("\xC3\xA4", vector, base::as_bytes("p"));
  append_frame(sample.bytes, first, Seq{1}, 64);
  sample.ends.push_back(sample.bytes.size());
  append_frame(sample.bytes, {}, Seq{3}, 200);
  sample.ends.push_back(sample.bytes.size());
  WalBodyBuilder second;
  second.remove("a");
  second.put(std::string(512, 'x'), vector, {});
  append_frame(sample.bytes, second, Seq{3}, 200);
  sample.ends.push_back(sample.bytes.size());
  return sample;
}

WalFrame frame_of(base::ByteSpan body, std::uint32_t op_count) {
  return {{.epoch = Epoch{1}, .first_seq = Seq{9}, .op_count = op_count, .body_bytes = static_cast<std::uint32_t>(body.size())}, body};
}

/// An operation's head as it stands in a body, and `rest` bytes behind it.
std::vector<std::byte> raw_op(std::uint8_t kind, std::uint16_t id_bytes, std::uint32_t payload_bytes, std::size_t rest) {
  struct Head {
    std::uint8_t kind, reserved;
    std::uint16_t id_bytes;
    std::uint32_t payload_bytes;
  };
  std::vector<std::byte> out(sizeof(Head) + rest, std::byte{'i'});
  base::store(out.data(), Head{kind, 0, id_bytes, payload_bytes});
  return out;
}

}  // namespace

TEST_CASE("frames and their operations come back as they were written") {
  const auto written = sample_wal();
  WalFrameReader reader(written.bytes, 64);
  const auto first = reader.next();
  REQUIRE(first);
  CHECK(first->header.epoch == Epoch{1});
  CHECK(first->header.first_seq == Seq{1});
  CHECK(first->header.synced_bytes == 64);
  CHECK(reader.offset() == 64 + written.ends[0]);
  auto ops = parse_wal_body(*first, kDim);
  REQUIRE(ops);
  REQUIRE(ops->size() == 2);
  CHECK((*ops)[0].kind == WalOpKind::put);
  CHECK((*ops)[0].id == "a");
  CHECK(base::load<float>((*ops)[0].vector.data() + 4) == -2.5F);
  CHECK(base::as_text((*ops)[0].payload) == "payload");
  CHECK((*ops)[1].id == "\xC3\xA4");
  const auto mark = reader.next();
  REQUIRE(mark);
  CHECK(mark->header.op_count == 0);
  CHECK(mark->header.synced_bytes == 200);
  CHECK(parse_wal_body(*mark, kDim)->empty());
  const auto last = reader.next();
  REQUIRE(last);
  ops = parse_wal_body(*last, kDim);
  REQUIRE(ops);
  REQUIRE(ops->size() == 2);
  CHECK((*ops)[0].kind == WalOpKind::remove);
  CHECK((*ops)[0].vector.empty());
  CHECK((*ops)[1].id == std::string(512, 'x'));
  CHECK((*ops)[1].payload.empty());
  CHECK_FALSE(reader.next());
  CHECK(reader.stopped() == WalFrameReader::Stop::end);
  CHECK(reader.offset() == 64 + written.bytes.size());
}

TEST_CASE("a log that is cut off anywhere gives the whole frames before the cut and says what it wants") {
  const auto written = sample_wal();
  for (std::size_t length = 0; length <= written.bytes.size(); ++length) {
    CAPTURE(length);
    WalFrameReader reader(base::ByteSpan(written.bytes).first(length), 64);
    std::size_t frames = 0;
    while (reader.next()) ++frames;
    const auto whole = static_cast<std::size_t>(std::ranges::count_if(written.ends, [&](auto end) { return end <= length; }));
    REQUIRE(frames == whole);
    const std::size_t valid = whole == 0 ? 0 : written.ends[whole - 1];
    REQUIRE(reader.offset() == 64 + valid);
    if (length == valid) {
      REQUIRE(reader.stopped() == WalFrameReader::Stop::end);
      continue;
    }
    REQUIRE(reader.stopped() == WalFrameReader::Stop::incomplete);
    REQUIRE(reader.wanted_bytes() > length - valid);
    REQUIRE(reader.wanted_bytes() <= written.ends[whole] - valid);
  }
}

TEST_CASE("no changed bit ever yields a changed frame") {
  const auto written = sample_wal();
  for (std::size_t offset = 0; offset < written.bytes.size(); ++offset)
    for (unsigned bit = 0; bit < 8; ++bit) {
      CAPTURE(offset, bit);
      auto bytes = written.bytes;
      bytes[offset] ^= static_cast<std::byte>(1U << bit);
      WalFrameReader reader(bytes, 0);
      std::size_t frames = 0;
      while (reader.next()) ++frames;
      const auto before = static_cast<std::size_t>(std::ranges::count_if(written.ends, [&](auto end) { return end <= offset; }));
      REQUIRE(frames == before);
      REQUIRE(reader.stopped() == WalFrameReader::Stop::damaged);
      REQUIRE(reader.offset() == (before == 0 ? 0 : written.ends[before - 1]));
    }
}

TEST_CASE("a frame header that claims too much is damage, not a wish") {
  std::vector<std::byte> bytes;
  append_wal_frame_header(bytes, {.epoch = Epoch{1}, .first_seq = Seq{1}, .op_count = 1, .body_bytes = kMaxWalBodyBytes + 1});
  bytes.resize(4096);
  WalFrameReader reader(bytes, 0);
  CHECK_FALSE(reader.next());
  CHECK(reader.stopped() == WalFrameReader::Stop::damaged);
}

TEST_CASE("bodies that no writer made are corruption") {
  const auto refused = [](const std::vector<std::byte>& body, std::uint32_t op_count) {
    const auto ops = parse_wal_body(frame_of(body, op_count), kDim);
    return !ops && ops.error().code == ErrorCode::corruption && test::contains(ops.error().message, "seq 9");
  };
  const std::size_t vector_bytes = kDim * sizeof(float);
  REQUIRE_FALSE(refused(raw_op(1, 1, 0, 1 + vector_bytes), 1));
  CHECK(refused(raw_op(1, 1, 0, 1 + vector_bytes), 2));            // fewer operations than told
  CHECK(refused(raw_op(1, 1, 0, 1 + vector_bytes), 0));            // more than told
  CHECK(refused(raw_op(1, 1, 0, 1 + vector_bytes), 0xFFFFFFFF));   // a count to reserve memory for
  CHECK(refused(raw_op(0, 1, 0, 1 + vector_bytes), 1));            // no such kind
  CHECK(refused(raw_op(3, 1, 0, 1 + vector_bytes), 1));
  CHECK(refused(raw_op(255, 1, 0, 1), 1));
  CHECK(refused(raw_op(1, 0, 0, vector_bytes), 1));                // an empty id
  CHECK(refused(raw_op(1, 0xFFFF, 0, vector_bytes), 1));           // an id beyond the end
  CHECK(refused(raw_op(1, 1, 0, vector_bytes), 1));                // a vector beyond the end
  CHECK(refused(raw_op(1, 1, 0xFFFFFFFF, 1 + vector_bytes), 1));   // a payload beyond the end
  CHECK(refused(raw_op(2, 1, 1, 1), 1));
  CHECK(refused(std::vector<std::byte>(7), 1));                    // less than an operation's head
  CHECK(refused({}, 1));
}

TEST_CASE("random bodies are refused or parsed inside their bounds") {
  for (const auto seed : test::seeds(200)) {
    INFO("replay with NDB_TEST_SEED=" << seed);
    std::mt19937_64 random(seed);
    std::vector<std::byte> body(random() % 300);
    for (auto& byte : body) byte = static_cast<std::byte>(random() % 4);
    for (std::uint32_t op_count = 0; op_count < 8; ++op_count) {
      const auto ops = parse_wal_body(frame_of(body, op_count), 1);
      if (!ops) continue;
      REQUIRE(ops->size() == op_count);
      for (const auto& op : *ops) {
        REQUIRE(reinterpret_cast<const std::byte*>(op.id.data()) >= body.data());
        REQUIRE(op.payload.data() + op.payload.size() <= body.data() + body.size());
      }
    }
  }
}

TEST_CASE("the largest sync mark is found behind damage, at any alignment, for its own epoch only") {
  const auto written = sample_wal();
  CHECK(largest_sync_mark(written.bytes, Epoch{1}) == 200);
  CHECK(largest_sync_mark(written.bytes, Epoch{2}) == 0);
  CHECK(largest_sync_mark({}, Epoch{1}) == 0);
  for (const std::size_t shift : {1U, 7U, 64U}) {
    std::vector<std::byte> bytes(shift, std::byte{0x4E});
    base::append_bytes(bytes, written.bytes);
    CHECK(largest_sync_mark(bytes, Epoch{1}) == 200);
  }
  auto bytes = written.bytes;
  bytes[written.ends[0] + 20] ^= std::byte{1};  // the mark's header is damaged, but the next frame says so too
  CHECK(largest_sync_mark(bytes, Epoch{1}) == 200);
  bytes[written.ends[1] + 20] ^= std::byte{1};
  CHECK(largest_sync_mark(bytes, Epoch{1}) == 64);
}

TEST_CASE("a WAL file's header binds it to its name and its collection") {
  std::vector<std::byte> header;
  const WalName name{Epoch{4}, 2};
  append_wal_file_header(header, name, 77);
  REQUIRE(header.size() == kWalFileHeaderBytes);
  CHECK(check_wal_file_header(header, name, 77, kWalPath));
  const auto refused = [&](base::ByteSpan bytes, WalName by, std::uint64_t uid) {
    const auto status = check_wal_file_header(bytes, by, uid, kWalPath);
    return !status && status.error().code == ErrorCode::corruption && test::contains(status.error().message, kWalPath.string());
  };
  CHECK(refused(header, {Epoch{5}, 2}, 77));
  CHECK(refused(header, {Epoch{4}, 3}, 77));
  CHECK(refused(header, name, 78));
  for (std::size_t length = 0; length < header.size(); ++length) REQUIRE(refused(base::ByteSpan(header).first(length), name, 77));
  for (std::size_t offset = 0; offset < header.size(); ++offset) {
    auto bytes = header;
    bytes[offset] ^= std::byte{0x20};
    CAPTURE(offset);
    REQUIRE(refused(bytes, name, 77));
  }
}

TEST_CASE("a WAL file of a future format is refused") {
  std::vector<std::byte> header;
  append_wal_file_header(header, {Epoch{4}, 2}, 77);
  for (const std::uint32_t version : {0U, 2U}) {
    base::store(header.data() + 8, version);
    base::store(header.data() + 60, base::crc32c(base::ByteSpan(header).first(60)));
    const auto status = check_wal_file_header(header, {Epoch{4}, 2}, 77, kWalPath);
    REQUIRE_FALSE(status);
    CHECK(test::contains(status.error().message, "newer"));
  }
}

TEST_CASE("the first sequence number is seen in a whole header only") {
  const auto written = sample_wal();
  CHECK(peek_first_seq(written.bytes) == Seq{1});
  CHECK(peek_first_seq(base::ByteSpan(written.bytes).subspan(written.ends[1])) == Seq{3});
  CHECK_FALSE(peek_first_seq(base::ByteSpan(written.bytes).first(kWalFrameHeaderBytes - 1)));
  CHECK_FALSE(peek_first_seq(base::ByteSpan(written.bytes).subspan(1)));
}
