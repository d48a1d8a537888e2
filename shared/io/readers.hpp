// The readers behind VectorReader::open, one per family of formats, each in its own .cpp file.
#pragma once

#include <memory>

#include "shared/io/byte_source.hpp"
#include "shared/io/vector_reader.hpp"

namespace ndb::io {

/// Bytes of one line of text: the largest vector printed in full, the largest payload, and room.
inline constexpr std::size_t kMaxLineBytes = 8ULL << 20;

[[nodiscard]] Result<std::unique_ptr<VectorReader>> open_npy(ByteSource source);
/// The array "vectors", or the only one; archives that np.savez wrote, which are not compressed.
[[nodiscard]] Result<std::unique_ptr<VectorReader>> open_npz(ByteSource source);
/// element: 'f' float32, 'b' uint8, 'i' int32.
[[nodiscard]] Result<std::unique_ptr<VectorReader>> open_vecs(ByteSource source, char element);
[[nodiscard]] Result<std::unique_ptr<VectorReader>> open_jsonl(ByteSource source);
[[nodiscard]] Result<std::unique_ptr<VectorReader>> open_csv(ByteSource source);

/// invalid_argument naming the row and the element unless all of `values`, which end at row `rows_before` + their
/// number / dim, are finite.
[[nodiscard]] Status check_finite(const ByteSource& source, std::span<const float> values, std::uint32_t dim,
                                  std::uint64_t rows_before);

}  // namespace ndb::io
