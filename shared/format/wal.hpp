// The write-ahead log's format: a 64-byte file header, then frames. One frame is one accepted batch, atomic as a whole.
// Grammar: docs/formats.md, "WAL".
//
// Sequence numbers: operation i of a frame has first_seq + i. They are dense: a file's frames follow one another, and so do
// the files of a manifest.
// Sync marks: each frame says how many bytes of its file were durable when it was written. Damage before the largest such
// mark is corruption; damage after it is a tail that was never acknowledged as durable and is dropped.
//
// Threads: plain functions and values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ndb/types.hpp"
#include "shared/base/bytes.hpp"
#include "shared/base/result.hpp"
#include "shared/format/file_names.hpp"

namespace ndb::format {

inline constexpr std::size_t kWalFileHeaderBytes = 64;
inline constexpr std::size_t kWalFrameHeaderBytes = 48;
inline constexpr std::uint32_t kMaxWalBodyBytes = 1U << 30;

enum class WalOpKind : std::uint8_t { put = 1, remove = 2 };

/// One operation, pointing into the frame that holds it.
struct WalOp {
  WalOpKind kind = WalOpKind::put;
  std::string_view id{};
  base::ByteSpan vector{};  ///< dim float32, unaligned; empty for remove
  base::ByteSpan payload{};  ///< FlexBuffers, unaligned; empty for none
};

struct WalFrameHeader {
  Epoch epoch{};
  Seq first_seq{};
  std::uint64_t synced_bytes = 0;  ///< of this file, when the frame was written
  std::uint32_t op_count = 0;      ///< 0: a sync mark
  std::uint32_t body_bytes = 0;
  std::uint32_t body_checksum = 0;
};

/// Collects the operations of one batch as a frame's body.
class WalBodyBuilder {
 public:
  void put(std::string_view id, std::span<const float> vector, base::ByteSpan payload);
  void remove(std::string_view id);
  [[nodiscard]] std::uint32_t op_count() const noexcept { return op_count_; }
  [[nodiscard]] base::ByteSpan bytes() const noexcept { return bytes_; }
  /// CRC32C of bytes(); computed by the caller's thread, before the batch queues for the log.
  [[nodiscard]] std::uint32_t checksum() const noexcept;

 private:
  void head(WalOpKind kind, std::string_view id, std::size_t payload_bytes);
  std::vector<std::byte> bytes_;
  std::uint32_t op_count_ = 0;
};

void append_wal_file_header(std::vector<std::byte>& out, WalName name, std::uint64_t collection_uid);
void append_wal_frame_header(std::vector<std::byte>& out, const WalFrameHeader& header);
/// corruption naming `path` unless it is the header of exactly this file.
[[nodiscard]] Status check_wal_file_header(base::ByteSpan bytes, WalName name, std::uint64_t collection_uid,
                                           const Path& path);

struct WalFrame {
  WalFrameHeader header;
  base::ByteSpan body;
};

/// first_seq of the frame whose header these bytes begin with; nullopt if they are no whole, undamaged header.
[[nodiscard]] std::optional<Seq> peek_first_seq(base::ByteSpan bytes);

/// Steps through the frames in a piece of a WAL file.
class WalFrameReader {
 public:
  /// bytes: from `file_offset` of the file on, where a frame begins.
  WalFrameReader(base::ByteSpan bytes, std::uint64_t file_offset) : bytes_(bytes), file_offset_(file_offset) {}
  /// The next whole and undamaged frame; nullopt where there is none (see stopped()).
  [[nodiscard]] std::optional<WalFrame> next();
  enum class Stop { end, incomplete, damaged };
  /// Why next() returned nullopt: nothing left, a frame that is cut off, or bytes that are no valid frame.
  [[nodiscard]] Stop stopped() const noexcept { return stop_; }
  /// Offset in the file after the last frame returned.
  [[nodiscard]] std::uint64_t offset() const noexcept { return file_offset_ + position_; }
  /// If stopped() is incomplete: how many bytes from offset() on the frame wants (at least).
  [[nodiscard]] std::uint64_t wanted_bytes() const noexcept { return wanted_bytes_; }

 private:
  base::ByteSpan bytes_;
  std::uint64_t file_offset_;
  std::size_t position_ = 0;
  std::uint64_t wanted_bytes_ = 0;
  Stop stop_ = Stop::end;
};

/// The operations of a frame's body. corruption unless every operation is well-formed, vectors have `dim` elements and the
/// count is op_count.
[[nodiscard]] Result<std::vector<WalOp>> parse_wal_body(const WalFrame& frame, std::uint32_t dim);

/// Where, at or after `from`, a whole and undamaged frame of that epoch begins; nullopt if there is none. Used behind damage.
[[nodiscard]] std::optional<std::size_t> find_wal_frame(base::ByteSpan bytes, std::size_t from, Epoch epoch);

/// The largest sync mark of any valid frame found anywhere in `bytes` (from file_offset on), by searching for frame headers.
/// Used behind damage, to tell a torn tail from corruption.
[[nodiscard]] std::uint64_t largest_sync_mark(base::ByteSpan bytes, Epoch epoch);

}  // namespace ndb::format
