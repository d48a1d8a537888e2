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
  VecsReader(ByteSource source, char element, std::uint32_t dim, std::uint64_t rows)
      : source_(std::move(source)), element_(element), dim_(dim), rows_(rows) {}

  Result<bool> next(Batch& into, std::size_t max_rows) override {
    into.clear();
    into.dim = dim_;
    into.first_row = done_;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(max_rows, rows_ - done_));
    if (count == 0) return false;
    into.values.resize(count * dim_);
    raw_.resize(4 + std::size_t{dim_} * (element_ == 'b' ? 1 : 4));
    for (std::size_t row = 0; row < count; ++row)
      NDB_TRY(read_row(std::span(into.values).subspan(row * dim_, dim_), done_ + row));
    NDB_TRY(check_finite(source_, into.values, dim_, done_));
    done_ += count;
    return true;
  }
  std::uint32_t dim() const noexcept override { return dim_; }
  std::optional<std::uint64_t> rows() const noexcept override { return rows_; }
  std::uint64_t bytes_read() const noexcept override { return source_.offset(); }
  std::uint64_t bytes_total() const noexcept override { return source_.size(); }

 private:
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
  std::uint32_t dim_;
  std::uint64_t rows_;
  std::uint64_t done_ = 0;
  std::vector<std::byte> raw_;
};

}  // namespace

Result<std::unique_ptr<VectorReader>> open_vecs(ByteSource source, char element) {
  if (source.size() == 0) return std::make_unique<VecsReader>(std::move(source), element, 0, 0);
  NDB_TRY_ASSIGN(const auto bytes, source.peek(4));
  const auto dim = base::load<std::int32_t>(bytes.data());
  if (dim < 1 || dim > static_cast<std::int32_t>(Limits::kMaxDim))
    return source.refuse(fmt::format("begins with a dimension of {}; allowed are 1 to {}", dim, Limits::kMaxDim));
  const std::uint64_t row_bytes = 4 + static_cast<std::uint64_t>(dim) * (element == 'b' ? 1 : 4);
  if (source.size() % row_bytes != 0)
    return source.refuse(fmt::format("is cut off: {} bytes are no whole number of rows of {} bytes", source.size(), row_bytes));
  return std::make_unique<VecsReader>(std::move(source), element, static_cast<std::uint32_t>(dim), source.size() / row_bytes);
}

}  // namespace ndb::io
