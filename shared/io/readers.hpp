// The readers behind VectorReader::open, one per family of formats, each in its own .cpp file.
#pragma once

#include <memory>

#include "shared/io/byte_source.hpp"
#include "shared/io/vector_reader.hpp"

namespace ndb::io {

/// Bytes of one line of text: the largest vector printed in full, the largest payload, and room.
inline constexpr std::size_t kMaxLineBytes = 8ULL << 20;

[[nodiscard]] Result<std::unique_ptr<VectorReader>> open_npy(ByteSource source, OnBadRow bad);
/// The array "vectors", or the only one; archives that np.savez wrote, which are not compressed.
[[nodiscard]] Result<std::unique_ptr<VectorReader>> open_npz(ByteSource source, OnBadRow bad);
/// element: 'f' float32, 'b' uint8, 'i' int32.
[[nodiscard]] Result<std::unique_ptr<VectorReader>> open_vecs(ByteSource source, char element, OnBadRow bad);
[[nodiscard]] Result<std::unique_ptr<VectorReader>> open_jsonl(ByteSource source, OnBadRow bad);
[[nodiscard]] Result<std::unique_ptr<VectorReader>> open_csv(ByteSource source, OnBadRow bad);

/// Rows of the batch with a value that is not finite: invalid_argument naming row and element, or marked as bad and zeroed.
[[nodiscard]] Status check_finite(const ByteSource& source, Batch& batch, OnBadRow bad);

}  // namespace ndb::io
