// .fvecs, .bvecs, .ivecs: rows of a 32-bit dimension and that many elements (http://corpus-texmex.irisa.fr).
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "ndb/collection_config.hpp"
#include "shared/io/readers.hpp"

namespace ndb::io {
namespace {

constexpr std::int32_t kMaxExactInteger = 1 << 24;  // every integer up to here is a float32

class VecsReader final : public VectorReader {
 public:
  /// rows: nullopt of a pipe.
  VecsReader(ByteSource source, char element, std::uint32_t dim, std::optional<std::uint64_t> rows, OnBadRow bad)
      : source_(std::move(source)), element_(element), bad_(bad), dim_(dim), rows_(rows) {}

  Result<bool> next(Batch& into, std::size_t max_rows) override {
    into.clear();
    into.dim = dim_;
    into.first_row = done_;
    raw_.resize(row_bytes());
    for (std::size_t row = 0; row < max_rows; ++row) {
      NDB_TRY_ASSIGN(const bool ended, source_.at_end());
      if (ended) break;
      into.values.resize((row + 1) * dim_);
      NDB_TRY(read_row(std::span(into.values).last(dim_), done_ + row));
    }
    NDB_TRY(check_finite(source_, into, bad_));
    done_ += into.size();
    return into.size() > 0;
  }
  Result<std::uint64_t> skip(std::uint64_t rows) override {
    std::uint64_t skipped = 0;
    while (skipped < rows) {
      NDB_TRY_ASSIGN(const bool ended, source_.at_end());
      if (ended) break;
      NDB_TRY(source_.skip(row_bytes()));
      ++skipped;
    }
    done_ += skipped;
    return skipped;
  }
  std::uint32_t dim() const noexcept override { return dim_; }
  std::optional<std::uint64_t> rows() const noexcept override { return rows_; }
  std::uint64_t bytes_read() const noexcept override { return source_.offset(); }
  std::uint64_t bytes_total() const noexcept override { return source_.bounded() ? source_.size() : 0; }

 private:
  [[nodiscard]] std::size_t row_bytes() const noexcept { return 4 + std::size_t{dim_} * (element_ == 'b' ? 1 : 4); }
  Status read_row(std::span<float> to, std::uint64_t row) {
    const std::uint64_t at = source_.offset();
    NDB_TRY(source_.read(raw_));
    const auto dim = base::load<std::int32_t>(raw_.data());
    if (dim != static_cast<std::int32_t>(dim_))
      return source_.refuse(fmt::format("row {} at offset {} has {} elements, the rows before have {}", row + 1, at, dim, dim_));
    const std::byte* from = raw_.data() + 4;
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (element_ == 'f') to[i] = base::load<float>(from + 4 * i);
      else if (element_ == 'b') to[i] = static_cast<float>(base::load<std::uint8_t>(from + i));
      else to[i] = exact(base::load<std::int32_t>(from + 4 * i));
    }
    return {};
  }
  static float exact(std::int32_t value) {
    const bool fits = value >= -kMaxExactInteger && value <= kMaxExactInteger;
    return fits ? static_cast<float>(value) : std::numeric_limits<float>::quiet_NaN();
  }

  ByteSource source_;
  char element_;
  OnBadRow bad_;
  std::uint32_t dim_;
  std::optional<std::uint64_t> rows_;
  std::uint64_t done_ = 0;
  std::vector<std::byte> raw_;
};

}  // namespace

Result<std::unique_ptr<VectorReader>> open_vecs(ByteSource source, char element, OnBadRow bad) {
  NDB_TRY_ASSIGN(const bool empty, source.at_end());
  if (empty) return std::make_unique<VecsReader>(std::move(source), element, 0, 0, bad);
  NDB_TRY_ASSIGN(const auto bytes, source.peek(4));
  const auto dim = base::load<std::int32_t>(bytes.data());
  if (dim < 1 || dim > static_cast<std::int32_t>(Limits::kMaxDim))
    return source.refuse(fmt::format("begins with a dimension of {}; allowed are 1 to {}", dim, Limits::kMaxDim));
  const std::uint64_t row_bytes = 4 + static_cast<std::uint64_t>(dim) * (element == 'b' ? 1 : 4);
  std::optional<std::uint64_t> rows;
  if (source.bounded()) rows = source.size() / row_bytes;
  if (rows && source.size() % row_bytes != 0)
    return source.refuse(fmt::format("is cut off: {} bytes are no whole number of rows of {} bytes", source.size(), row_bytes));
  return std::make_unique<VecsReader>(std::move(source), element, static_cast<std::uint32_t>(dim), rows, bad);
}

}  // namespace ndb::io
