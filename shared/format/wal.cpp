#include "shared/format/wal.hpp"

#include <algorithm>
#include <array>

#include "shared/base/crc32c.hpp"

namespace ndb::format {
namespace {

constexpr std::array<char, 8> kFileMagic = {'N', 'D', 'B', 'W', 'A', 'L', '0', '\n'};
constexpr std::uint32_t kWalVersion = 1;
constexpr std::uint32_t kFrameMagic = 0x4D52464EU;  // "NFRM"

struct FileHeader {
  std::array<char, 8> magic;
  std::uint32_t format_version;
  std::uint32_t reserved;
  std::uint64_t epoch, index, collection_uid;
  std::array<std::byte, 20> unused;
  std::uint32_t checksum;
};
static_assert(sizeof(FileHeader) == kWalFileHeaderBytes);

struct FrameHeader {
  std::uint32_t magic;
  std::uint32_t checksum;  // of everything behind it in this header
  std::uint32_t body_bytes;
  std::uint32_t body_checksum;
  std::uint64_t epoch, first_seq, synced_bytes;
  std::uint32_t op_count;
  std::uint32_t reserved;
};
static_assert(sizeof(FrameHeader) == kWalFrameHeaderBytes);

struct OpHead {
  std::uint8_t kind;
  std::uint8_t reserved;
  std::uint16_t id_bytes;
  std::uint32_t payload_bytes;
};
static_assert(sizeof(OpHead) == 8);

template <class Header>
base::ByteSpan span_of(const Header& header, std::size_t from, std::size_t to) {
  return base::ByteSpan(reinterpret_cast<const std::byte*>(&header), sizeof header).subspan(from, to - from);
}
std::uint32_t checksum_of(const FileHeader& header) {
  return base::crc32c(span_of(header, 0, offsetof(FileHeader, checksum)));
}
std::uint32_t checksum_of(const FrameHeader& header) { return base::crc32c(span_of(header, 8, sizeof header)); }

bool valid(const FrameHeader& header) {
  return header.magic == kFrameMagic && header.checksum == checksum_of(header) && header.body_bytes <= kMaxWalBodyBytes;
}

}  // namespace

void WalBodyBuilder::head(WalOpKind kind, std::string_view id, std::size_t payload_bytes) {
  base::append(bytes_, OpHead{static_cast<std::uint8_t>(kind), 0, static_cast<std::uint16_t>(id.size()),
                              static_cast<std::uint32_t>(payload_bytes)});
  base::append_bytes(bytes_, base::as_bytes(id));
  ++op_count_;
}

void WalBodyBuilder::put(std::string_view id, std::span<const float> vector, base::ByteSpan payload) {
  head(WalOpKind::put, id, payload.size());
  base::append_bytes(bytes_, std::as_bytes(vector));
  base::append_bytes(bytes_, payload);
}

void WalBodyBuilder::remove(std::string_view id) { head(WalOpKind::remove, id, 0); }

std::uint32_t WalBodyBuilder::checksum() const noexcept { return base::crc32c(bytes_); }

void append_wal_file_header(std::vector<std::byte>& out, WalName name, std::uint64_t collection_uid) {
  FileHeader header{.magic = kFileMagic, .format_version = kWalVersion, .reserved = 0, .epoch = name.epoch.value,
                    .index = name.index, .collection_uid = collection_uid, .unused = {}, .checksum = 0};
  header.checksum = checksum_of(header);
  base::append(out, header);
}

void append_wal_frame_header(std::vector<std::byte>& out, const WalFrameHeader& from) {
  FrameHeader header{.magic = kFrameMagic, .checksum = 0, .body_bytes = from.body_bytes,
                     .body_checksum = from.body_checksum, .epoch = from.epoch.value, .first_seq = from.first_seq.value,
                     .synced_bytes = from.synced_bytes, .op_count = from.op_count, .reserved = 0};
  header.checksum = checksum_of(header);
  base::append(out, header);
}

Status check_wal_file_header(base::ByteSpan bytes, WalName name, std::uint64_t collection_uid, const Path& path) {
  const auto corrupt = [&](const char* what) { return fail(ErrorCode::corruption, path.string() + ": " + what); };
  if (bytes.size() < kWalFileHeaderBytes) return corrupt("is truncated within its header");
  const auto header = base::load<FileHeader>(bytes.data());
  if (header.magic != kFileMagic) return corrupt("is not a WAL file (wrong magic at offset 0)");
  if (header.checksum != checksum_of(header)) return corrupt("damaged header (offset 0)");
  if (header.format_version == 0 || header.format_version > kWalVersion)
    return corrupt("a format newer than this nDB reads");
  if (header.epoch != name.epoch.value || header.index != name.index || header.collection_uid != collection_uid)
    return corrupt("belongs elsewhere: epoch, index or collection differ from what the manifest names");
  return {};
}

std::optional<Seq> peek_first_seq(base::ByteSpan bytes) {
  if (bytes.size() < kWalFrameHeaderBytes) return std::nullopt;
  const auto header = base::load<FrameHeader>(bytes.data());
  return valid(header) ? std::optional(Seq{header.first_seq}) : std::nullopt;
}

std::optional<WalFrame> WalFrameReader::next() {
  const auto rest = bytes_.subspan(position_);
  const auto stop = [this](Stop why, std::uint64_t wanted) {
    stop_ = why;
    wanted_bytes_ = wanted;
    return std::nullopt;
  };
  if (rest.empty()) return stop(Stop::end, 0);
  if (rest.size() < kWalFrameHeaderBytes) return stop(Stop::incomplete, kWalFrameHeaderBytes);
  const auto header = base::load<FrameHeader>(rest.data());
  if (!valid(header)) return stop(Stop::damaged, 0);
  const std::uint64_t frame_bytes = kWalFrameHeaderBytes + std::uint64_t{header.body_bytes};
  if (rest.size() < frame_bytes) return stop(Stop::incomplete, frame_bytes);
  const auto body = rest.subspan(kWalFrameHeaderBytes, header.body_bytes);
  if (base::crc32c(body) != header.body_checksum) return stop(Stop::damaged, 0);
  position_ += frame_bytes;
  return WalFrame{{Epoch{header.epoch}, Seq{header.first_seq}, header.synced_bytes, header.op_count, header.body_bytes,
                   header.body_checksum},
                  body};
}

Result<std::vector<WalOp>> parse_wal_body(const WalFrame& frame, std::uint32_t dim) {
  const auto corrupt = [&] {
    return fail(ErrorCode::corruption,
                "WAL frame with seq " + std::to_string(frame.header.first_seq.value) + " has a malformed body");
  };
  base::ByteReader reader(frame.body);
  std::vector<WalOp> ops;
  ops.reserve(std::min<std::size_t>(frame.header.op_count, frame.body.size() / sizeof(OpHead)));
  while (reader.remaining() > 0) {
    const auto head = reader.read<OpHead>();
    if (!head || head->id_bytes == 0) return corrupt();
    const bool put = head->kind == static_cast<std::uint8_t>(WalOpKind::put);
    if (!put && head->kind != static_cast<std::uint8_t>(WalOpKind::remove)) return corrupt();
    const auto id = reader.read_bytes(head->id_bytes);
    const auto vector = reader.read_bytes(put ? std::size_t{dim} * sizeof(float) : 0);
    const auto payload = reader.read_bytes(head->payload_bytes);
    if (!id || !vector || !payload) return corrupt();
    ops.push_back({put ? WalOpKind::put : WalOpKind::remove, base::as_text(*id), *vector, *payload});
  }
  if (ops.size() != frame.header.op_count) return corrupt();
  return ops;
}

std::optional<std::size_t> find_wal_frame(base::ByteSpan bytes, std::size_t from, Epoch epoch) {
  for (std::size_t at = from; at + kWalFrameHeaderBytes <= bytes.size(); ++at) {
    if (base::load<std::uint32_t>(bytes.data() + at) != kFrameMagic) continue;
    const auto frame = WalFrameReader(bytes.subspan(at), at).next();
    if (frame && frame->header.epoch == epoch) return at;
  }
  return std::nullopt;
}

std::uint64_t largest_sync_mark(base::ByteSpan bytes, Epoch epoch) {
  std::uint64_t largest = 0;
  for (std::size_t at = 0; at + kWalFrameHeaderBytes <= bytes.size(); ++at) {
    if (base::load<std::uint32_t>(bytes.data() + at) != kFrameMagic) continue;
    const auto header = base::load<FrameHeader>(bytes.data() + at);
    if (valid(header) && header.epoch == epoch.value) largest = std::max(largest, header.synced_bytes);
  }
  return largest;
}

}  // namespace ndb::format
