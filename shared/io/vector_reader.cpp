#include "shared/io/vector_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "shared/io/readers.hpp"

namespace ndb::io {

Result<std::unique_ptr<VectorReader>> VectorReader::open(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  NDB_TRY_ASSIGN(auto source, ByteSource::open(path));
  if (extension == ".npy") return open_npy(std::move(source));
  if (extension == ".npz") return open_npz(std::move(source));
  if (extension == ".fvecs") return open_vecs(std::move(source), 'f');
  if (extension == ".bvecs") return open_vecs(std::move(source), 'b');
  if (extension == ".ivecs") return open_vecs(std::move(source), 'i');
  if (extension == ".jsonl" || extension == ".ndjson") return open_jsonl(std::move(source));
  if (extension == ".csv") return open_csv(std::move(source));
  return source.refuse("unknown kind of file; there are .npy .npz .fvecs .bvecs .ivecs .jsonl .csv");
}

Status check_finite(const ByteSource& source, std::span<const float> values, std::uint32_t dim, std::uint64_t rows_before) {
  const auto bad = std::ranges::find_if_not(values, [](float value) { return std::isfinite(value); });
  if (bad == values.end()) return {};
  const auto at = static_cast<std::uint64_t>(bad - values.begin());
  return source.refuse(fmt::format("row {}, element {} is NaN, infinite or beyond float32", rows_before + at / dim, at % dim));
}

}  // namespace ndb::io
