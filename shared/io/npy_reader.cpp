#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "ndb/collection_config.hpp"
#include "shared/io/npy_header.hpp"
#include "shared/io/numbers.hpp"
#include "shared/io/readers.hpp"

namespace ndb::io {
namespace {

constexpr std::uint32_t kMaxHeaderBytes = 64 * 1024;
constexpr std::uint64_t kMaxBytes = 1ULL << 60;  // of rows that are announced
constexpr std::string_view kMagic = "\x93NUMPY";

/// An element type: its size and how its bytes become floats.
struct ElementType {
  std::string_view descr;
  std::uint32_t bytes;
  void (*convert)(base::ByteSpan from, std::span<float> to);
};

template <class T, class Convert>
void convert_each(base::ByteSpan from, std::span<float> to, Convert convert) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = convert(base::load<T>(from.data() + i * sizeof(T)));
}
void convert_f4(base::ByteSpan from, std::span<float> to) { std::memcpy(to.data(), from.data(), from.size()); }
void convert_f8(base::ByteSpan from, std::span<float> to) { convert_each<double>(from, to, to_float); }
void convert_f2(base::ByteSpan from, std::span<float> to) { convert_each<std::uint16_t>(from, to, half_to_float); }
void convert_u1(base::ByteSpan from, std::span<float> to) {
  convert_each<std::uint8_t>(from, to, [](std::uint8_t x) { return static_cast<float>(x); });
}
void convert_i1(base::ByteSpan from, std::span<float> to) {
  convert_each<std::int8_t>(from, to, [](std::int8_t x) { return static_cast<float>(x); });
}

constexpr std::array<ElementType, 5> kTypes{
    {{"<f4", 4, convert_f4}, {"<f8", 8, convert_f8}, {"<f2", 2, convert_f2}, {"|u1", 1, convert_u1}, {"|i1", 1, convert_i1}}};

class NpyReader final : public VectorReader {
 public:
  NpyReader(ByteSource source, const ElementType& type, std::uint64_t rows, std::uint32_t dim, OnBadRow bad)
      : source_(std::move(source)), type_(&type), bad_(bad), rows_(rows), dim_(dim) {}

  Result<bool> next(Batch& into, std::size_t max_rows) override {
    into.clear();
    into.dim = dim_;
    into.first_row = done_;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(max_rows, rows_ - done_));
    if (count == 0) {
      NDB_TRY_ASSIGN(const bool ended, source_.at_end());  // of a pipe that was not known before
      if (!ended) return source_.refuse(fmt::format("has bytes left over after {} rows", rows_));
      return false;
    }
    into.values.resize(count * dim_);
    raw_.resize(std::size_t{dim_} * type_->bytes);
    for (std::size_t row = 0; row < count; ++row) {
      NDB_TRY(source_.read(raw_));
      type_->convert(raw_, std::span(into.values).subspan(row * dim_, dim_));
    }
    NDB_TRY(check_finite(source_, into, bad_));
    done_ += count;
    return true;
  }
  Result<std::uint64_t> skip(std::uint64_t rows) override {
    rows = std::min(rows, rows_ - done_);
    NDB_TRY(source_.skip(rows * dim_ * type_->bytes));
    done_ += rows;
    return rows;
  }
  std::uint32_t dim() const noexcept override { return rows_ == 0 ? 0 : dim_; }
  std::optional<std::uint64_t> rows() const noexcept override { return rows_; }
  std::uint64_t bytes_read() const noexcept override { return source_.offset(); }
  std::uint64_t bytes_total() const noexcept override { return source_.bounded() ? source_.size() : 0; }

 private:
  ByteSource source_;
  const ElementType* type_;
  OnBadRow bad_;
  std::uint64_t rows_;
  std::uint32_t dim_;
  std::uint64_t done_ = 0;
  std::vector<std::byte> raw_;
};

Result<std::string> read_header_text(ByteSource& source) {
  std::array<std::byte, 8> start{};
  if (source.size() < start.size() || !source.peek(start.size())) return source.refuse("is no .npy file: it is too short");
  NDB_TRY(source.read(start));
  if (!base::as_text(start).starts_with(kMagic)) return source.refuse("is no .npy file: it does not begin with \\x93NUMPY");
  const auto version = std::to_integer<unsigned>(start[6]);
  if (version < 1 || version > 3) return source.refuse(fmt::format("has the unknown .npy version {}", version));
  std::array<std::byte, 4> length_bytes{};
  NDB_TRY(source.read(std::span(length_bytes).first(version == 1 ? 2 : 4)));
  const auto length = base::load<std::uint32_t>(length_bytes.data());
  if (length > kMaxHeaderBytes) return source.refuse(fmt::format("has a header of {} bytes; the limit is {}", length, kMaxHeaderBytes));
  std::string text(length, '\0');
  NDB_TRY(source.read(std::as_writable_bytes(std::span(text))));
  return text;
}

Result<const ElementType*> find_type(const ByteSource& source, const NpyHeader& header) {
  const auto type = std::ranges::find(kTypes, header.descr, &ElementType::descr);
  if (type == kTypes.end())
    return source.refuse(fmt::format("has elements of type '{}'; save it after .astype('float32')", header.descr));
  if (header.fortran_order) return source.refuse("is in Fortran order; save it after np.ascontiguousarray(…)");
  return &*type;
}

}  // namespace

Result<std::unique_ptr<VectorReader>> open_npy(ByteSource source, OnBadRow bad) {
  NDB_TRY_ASSIGN(const auto text, read_header_text(source));
  auto header = parse_npy_header(text);
  if (!header) return source.refuse(header.error().message);
  NDB_TRY_ASSIGN(const auto* type, find_type(source, *header));
  if (header->shape.size() != 2)
    return source.refuse(fmt::format("has {} axes; it must have two, rows and elements", header->shape.size()));
  const std::uint64_t rows = header->shape[0], dim = header->shape[1];
  if (dim < 1 || dim > Limits::kMaxDim) return source.refuse(fmt::format("has vectors of {} elements; allowed are 1 to {}", dim, Limits::kMaxDim));
  const std::uint64_t row_bytes = dim * type->bytes;
  // Division, not multiplication: a header that lies must not overflow.
  if (!source.bounded() && rows > kMaxBytes / row_bytes) return source.refuse(fmt::format("announces {} rows of {} bytes", rows, row_bytes));
  if (!source.bounded()) return std::make_unique<NpyReader>(std::move(source), *type, rows, static_cast<std::uint32_t>(dim), bad);
  if (source.remaining() % row_bytes != 0 || source.remaining() / row_bytes != rows)
    return source.refuse(fmt::format("is cut off or has bytes left over: {} rows of {} bytes are announced, {} bytes are there",
                                     rows, row_bytes, source.remaining()));
  return std::make_unique<NpyReader>(std::move(source), *type, rows, static_cast<std::uint32_t>(dim), bad);
}

}  // namespace ndb::io
