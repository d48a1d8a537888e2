// Vectors from files that other tools wrote, row by row with bounded memory:
//
//   .npy                2-D, C order, float32, float64, float16, int8 or uint8
//   .npz                the array "vectors", or the only one, of an archive that np.savez wrote (not compressed)
//   .fvecs .bvecs .ivecs  the formats of the TEXMEX and BigANN data sets
//   .jsonl              one {"id": …, "vector": […], "payload": {…}} a line; id and payload may be missing
//   .csv                with a header: columns id, payload (JSON) and vector (a JSON array), or every other column an
//                       element; without: every column an element, but for a first one that is no number, which is the id
//
// Files are hostile: every number in a header is checked against the file's size before it is used, a file that is cut
// off or has bytes left over is refused, and so are NaN, infinity and what does not fit into float32. Errors are
// invalid_argument and name the file and the row or line (both from 1) or the offset. A reader that was told to keep going marks
// rows that are wrong by themselves and reads on behind them.
// Threads: one reader, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ndb/error.hpp"

namespace ndb::io {

/// A row that cannot be used, in a Batch of a reader that keeps going.
struct BadRow {
  std::size_t row = 0;       ///< of the batch
  std::uint64_t line = 0;    ///< of the file, from 1; 0 where there are no lines
  std::string why;
  std::string text;          ///< as it stands in a text file
};

/// Some rows of a file. Reusable: next() clears it and keeps its memory.
struct Batch {
  std::uint32_t dim = 0;
  std::uint64_t first_row = 0;        ///< of the file, from 0
  std::vector<float> values;          ///< [size() * dim], finite; zeros in bad rows
  std::vector<std::string> ids;       ///< as many as rows, or none if the file has none
  std::vector<std::string> payloads;  ///< as many as rows (JSON objects, empty for none), or none
  std::vector<BadRow> bad;            ///< in order

  [[nodiscard]] std::size_t size() const noexcept { return dim == 0 ? 0 : values.size() / dim; }
  [[nodiscard]] std::span<const float> vector(std::size_t row) const noexcept {
    return std::span(values).subspan(row * dim, dim);
  }
  void clear() noexcept {
    values.clear();
    ids.clear();
    payloads.clear();
    bad.clear();
  }
};

/// What a row that is wrong by itself (a line that is no record, an element that is NaN) does.
enum class OnBadRow : std::uint8_t { fail, keep_going };

class ByteSource;

class VectorReader {
 public:
  virtual ~VectorReader() = default;

  /// By the name's extension. not_found if there is no such file; invalid_argument if it is not what it says it is.
  [[nodiscard]] static Result<std::unique_ptr<VectorReader>> open(const std::filesystem::path& path, OnBadRow bad = OnBadRow::fail);
  /// The same for a given format: "npy", "npz", "fvecs", "bvecs", "ivecs", "jsonl" or "csv". .npz cannot come through a pipe.
  [[nodiscard]] static Result<std::unique_ptr<VectorReader>> open(ByteSource source, std::string_view format, OnBadRow bad = OnBadRow::fail);
  /// The format that a name's extension stands for; "" if none does.
  [[nodiscard]] static std::string_view format_of(const std::filesystem::path& path);

  /// Replaces `into` by at most max_rows (> 0) rows, fewer only at the end; false if there are no more.
  [[nodiscard]] virtual Result<bool> next(Batch& into, std::size_t max_rows) = 0;
  /// Leaves out that many rows, bad ones included; how many there were: fewer only at the end.
  [[nodiscard]] virtual Result<std::uint64_t> skip(std::uint64_t rows) = 0;
  /// Elements of every vector; 0 if the file has no rows.
  [[nodiscard]] virtual std::uint32_t dim() const noexcept = 0;
  /// If the file says so, or its size does.
  [[nodiscard]] virtual std::optional<std::uint64_t> rows() const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t bytes_read() const noexcept = 0;
  /// 0 if nobody knows yet.
  [[nodiscard]] virtual std::uint64_t bytes_total() const noexcept = 0;
};

}  // namespace ndb::io
