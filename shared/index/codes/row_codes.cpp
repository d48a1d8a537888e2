#include "shared/index/codes/row_codes.hpp"

#include <limits>

#include "shared/index/codes/codec.hpp"

namespace ndb::index {
namespace {

constexpr std::uint64_t kRotationSeed = 0x6E44'4232;
// Few enough that finding a row's cell takes about as long as coding the row; a larger graph has more, of which some blocks are taken.
constexpr std::uint32_t kMostCells = 1024;

std::shared_ptr<const BitCodec> codec_from(const VectorsView& vectors) {
  const auto trained = Codec::train(vectors);
  const auto centre = trained.centre();
  return std::make_shared<const BitCodec>(std::vector<float>(centre.begin(), centre.end()), trained.unit(), vectors.distance, kRotationSeed);
}

}  // namespace

std::shared_ptr<const RowCoder> RowCoder::of_graph(const HnswView& graph) {
  if (graph.bit_codec() == nullptr) return nullptr;
  auto coder = std::make_shared<RowCoder>();
  coder->codec = graph.share_bit_codec();
  // Under dot, the centre with the largest product is not the nearest one: it is a long one, for most rows.
  const std::uint32_t blocks = graph.distance() == Distance::dot ? 0 : graph.cells() / kPackedRows;
  const std::uint32_t taken = std::min(blocks, kMostCells / kPackedRows);
  const std::size_t block_bytes = kPackedRows * BitCodec::stride_bytes(graph.dim());
  coder->cells = taken * kPackedRows;
  coder->centres = AlignedBuffer<std::byte>(taken * block_bytes);
  for (std::uint32_t i = 0; i < taken; ++i)
    std::copy_n(graph.cell_block(i * blocks / taken * kPackedRows), block_bytes, coder->centres.data() + i * block_bytes);
  return coder;
}

RowCodes::RowCodes(std::shared_ptr<const RowCoder> coder, bool wanted) : wanted_(wanted), made_coder_(std::move(coder)) {
  coder_.store(made_coder_.get(), std::memory_order_relaxed);
  if (made_coder_ != nullptr && made_coder_->cells > 0) cells_.emplace(made_coder_->cells);
}

std::shared_ptr<const RowCoder> RowCodes::share_coder() const {
  const std::scoped_lock lock(mutex_);
  return made_coder_;
}

// False if there is too little to make a coder of.
bool RowCodes::make_coder(Row rows, const VectorsView& begin) {
  code_.resize(BitCodec::stride_bytes(begin.dim));
  if (made_coder_ != nullptr) return true;
  if (rows < kChunkRows) return false;
  VectorsView first = begin;
  first.rows = kChunkRows;
  auto coder = std::make_shared<RowCoder>();
  coder->codec = codec_from(first);
  made_coder_ = std::move(coder);
  coder_.store(made_coder_.get(), std::memory_order_release);
  return true;
}

std::byte* RowCodes::chunk_for(Row row) {
  const std::size_t chunk = row / kChunkRows;
  if (owned_.size() == chunk) {
    owned_.emplace_back(code_.size() * kChunkRows);
    chunks_[chunk] = owned_.back().data();
  }
  return owned_[chunk].data();
}

void RowCodes::add_to_block(const float* vector, Row row) {
  const BitCodec& codec = *made_coder_->codec;
  if (!codec.encode(vector, code_.data(), nullptr)) codec.encode_nearest(code_.data());
  std::byte* const block = chunk_for(row) + row % kChunkRows / kBlockRows * kBlockRows * code_.size();
  pack_code(code_.data(), static_cast<std::uint32_t>(codec.dim()), row % kBlockRows, block, GroupOrder::sampled);
}

void RowCodes::add_to_cell(const float* vector, Row row) {
  const BitCodec& codec = *made_coder_->codec;
  std::byte* const code = chunk_for(row) + row % kChunkRows * code_.size();
  std::uint32_t cell = 0;  // any, if it cannot be coded: such a row is far from every query that can be
  if (codec.encode_and_prepare(vector, code, query_)) {
    packed_query_.prepare(query_);
    cell = nearest_cell();
  } else {
    codec.encode_nearest(code);
  }
  cells_->add(cell, row);
}

std::uint32_t RowCodes::nearest_cell() const noexcept {
  const RowCoder& coder = *made_coder_;
  alignas(64) std::array<float, kPackedRows> keys;
  std::uint32_t nearest = 0;
  float best = std::numeric_limits<float>::max();
  for (std::uint32_t cell = 0; cell < coder.cells; cell += kPackedRows) {
    (void)packed_query_.lowest_keys(coder.codec->kernels(), coder.block(cell), 0.0F, 0.0F, keys);
    for (std::uint32_t i = 0; i < kPackedRows; ++i) {
      nearest = keys[i] < best ? cell + i : nearest;
      best = std::min(keys[i], best);
    }
  }
  return nearest;
}

}  // namespace ndb::index
