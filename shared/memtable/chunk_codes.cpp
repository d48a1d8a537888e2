#include "shared/memtable/chunk_codes.hpp"

#include "shared/index/codes/codec.hpp"

namespace ndb::memtable {
namespace {

constexpr std::uint64_t kRotationSeed = 0x6E44'4232;

}  // namespace

bool ChunkCodes::make(std::size_t chunk, const index::VectorsView& vectors) {
  if (vectors.dim < kMinDim || published_[chunk].load(std::memory_order_relaxed) != nullptr) return false;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || published_[chunk].load(std::memory_order_relaxed) != nullptr) return false;
  std::unique_ptr<const index::BitCodec> first;
  if (codec_ == nullptr) {
    const auto trained = index::Codec::train(vectors);
    const auto centre = trained.centre();
    first = std::make_unique<index::BitCodec>(std::vector<float>(centre.begin(), centre.end()), trained.unit(), vectors.distance,
                                              kRotationSeed);
  }
  const index::BitCodec& codec = first != nullptr ? *first : *codec_;
  const std::size_t stride = index::BitCodec::stride_bytes(vectors.dim);
  index::AlignedBuffer<std::byte> codes(stride * vectors.rows);
  for (Row row = 0; row < vectors.rows; ++row)
    if (!codec.encode(vectors.vector(row), codes.data() + row * stride, nullptr)) {
      published_[chunk].store(&kNone, std::memory_order_release);
      return true;
    }
  if (first != nullptr) codec_ = std::move(first);
  owned_.push_back(std::move(codes));
  published_[chunk].store(owned_.back().data(), std::memory_order_release);
  return true;
}

}  // namespace ndb::memtable
