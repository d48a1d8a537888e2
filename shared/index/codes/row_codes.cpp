#include "shared/index/codes/row_codes.hpp"

#include "shared/index/codes/codec.hpp"

namespace ndb::index {
namespace {

constexpr std::uint64_t kRotationSeed = 0x6E44'4232;

std::shared_ptr<const BitCodec> codec_from(const VectorsView& vectors) {
  const auto trained = Codec::train(vectors);
  const auto centre = trained.centre();
  return std::make_shared<const BitCodec>(std::vector<float>(centre.begin(), centre.end()), trained.unit(), vectors.distance, kRotationSeed);
}

}  // namespace

std::shared_ptr<const BitCodec> RowCodes::share_codec() const {
  const std::scoped_lock lock(mutex_);
  return made_codec_;
}

// False if there is too little to make a codec of.
bool RowCodes::make_codec(Row rows, const VectorsView& begin) {
  code_.resize(BitCodec::stride_bytes(begin.dim));
  if (made_codec_ != nullptr) return true;
  if (rows < kChunkRows) return false;
  VectorsView first = begin;
  first.rows = kChunkRows;
  made_codec_ = codec_from(first);
  codec_.store(made_codec_.get(), std::memory_order_release);
  return true;
}

std::byte* RowCodes::block(Row row) {
  const std::size_t chunk = row / kChunkRows;
  if (owned_.size() == chunk) {
    owned_.emplace_back(code_.size() * kChunkRows);
    chunks_[chunk] = owned_.back().data();
  }
  return owned_[chunk].data() + row % kChunkRows * code_.size();
}

void RowCodes::encode(const float* vector, Row at, std::byte* codes) noexcept {
  if (!made_codec_->encode(vector, code_.data(), nullptr)) made_codec_->encode_nearest(code_.data());
  pack_code(code_.data(), static_cast<std::uint32_t>(made_codec_->dim()), at, codes, GroupOrder::sampled);
}

}  // namespace ndb::index
