// Logs: as bytes, and as bodies of any content in frames whose checksums are right; read, tailed, and salvaged.
#include "shared/base/crc32c.hpp"
#include "shared/format/wal.hpp"
#include "tests/fuzz/fuzz_target.hpp"

using namespace ndb;

namespace {

constexpr format::WalName kName{Epoch{1}, 0};

void read(base::ByteSpan bytes, std::uint32_t dim) {
  static_cast<void>(format::check_wal_file_header(bytes, kName, 7, "w"));
  static_cast<void>(format::peek_first_seq(bytes));
  static_cast<void>(format::largest_sync_mark(bytes, kName.epoch));
  for (std::size_t at = 0; at <= bytes.size();) {
    format::WalFrameReader reader(bytes.subspan(at), at);
    while (const auto frame = reader.next()) {
      fuzz::must(reader.offset() <= bytes.size(), "a frame ends behind the file");
      const auto ops = format::parse_wal_body(*frame, dim);
      if (!ops) continue;
      fuzz::must(ops->size() == frame->header.op_count, "another number of operations than the frame says");
      for (const auto& op : *ops)
        fuzz::must(op.vector.size() == (op.kind == format::WalOpKind::put ? dim * sizeof(float) : 0), "a vector of another length");
    }
    const auto next = format::find_wal_frame(bytes, reader.offset() + 1, kName.epoch);
    if (!next) break;
    fuzz::must(*next > at, "no way forward");
    at = *next;
  }
}

}  // namespace

NDB_FUZZ_TARGET(wal, data, size) {
  read({reinterpret_cast<const std::byte*>(data), size}, 3);
  fuzz::Input input(data, size);
  const auto dim = input.within<std::uint32_t>(1, 8);
  std::vector<std::byte> log;
  format::append_wal_file_header(log, kName, 7);
  while (!input.empty()) {
    const auto first_seq = input.take<std::uint32_t>();
    const auto ops = input.take<std::uint8_t>();
    const auto body = input.take_bytes(input.take<std::uint8_t>());
    format::append_wal_frame_header(log, {.epoch = Epoch{1}, .first_seq = Seq{first_seq}, .synced_bytes = log.size(), .op_count = ops,
                                          .body_bytes = static_cast<std::uint32_t>(body.size()), .body_checksum = base::crc32c(body)});
    base::append_bytes(log, body);
    if (first_seq % 7 == 0) log.push_back(std::byte{1});  // damage between frames
  }
  read(log, dim);
  return 0;
}
