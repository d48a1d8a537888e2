#include "shared/io/vector_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "shared/io/readers.hpp"

namespace ndb::io {

namespace {

constexpr std::array<std::string_view, 7> kFormats = {"npy", "npz", "fvecs", "bvecs", "ivecs", "jsonl", "csv"};

std::size_t first_not_finite(std::span<const float> values) {
  return static_cast<std::size_t>(std::ranges::find_if_not(values, [](float value) { return std::isfinite(value); }) - values.begin());
}

}  // namespace

std::string_view VectorReader::format_of(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (extension == ".ndjson") return "jsonl";
  const auto format = std::ranges::find_if(kFormats, [&](std::string_view name) { return !extension.empty() && name == extension.substr(1); });
  return format == kFormats.end() ? std::string_view() : *format;
}

Result<std::unique_ptr<VectorReader>> VectorReader::open(const std::filesystem::path& path, OnBadRow bad) {
  NDB_TRY_ASSIGN(auto source, ByteSource::open(path));
  return open(std::move(source), format_of(path), bad);
}

Result<std::unique_ptr<VectorReader>> VectorReader::open(ByteSource source, std::string_view format, OnBadRow bad) {
  if (format == "npy") return open_npy(std::move(source), bad);
  if (format == "npz") return open_npz(std::move(source), bad);
  if (format == "fvecs" || format == "bvecs" || format == "ivecs") return open_vecs(std::move(source), format.front(), bad);
  if (format == "jsonl") return open_jsonl(std::move(source), bad);
  if (format == "csv") return open_csv(std::move(source), bad);
  return source.refuse("unknown kind of file; there are .npy .npz .fvecs .bvecs .ivecs .jsonl .csv");
}

Status check_finite(const ByteSource& source, Batch& batch, OnBadRow bad) {
  const std::size_t rows = first_not_finite(batch.values) == batch.values.size() ? 0 : batch.size();  // looked at one by one if need be
  for (std::size_t row = 0; row < rows; ++row) {
    const auto vector = std::span(batch.values).subspan(row * batch.dim, batch.dim);
    const auto at = first_not_finite(vector);
    if (at == vector.size()) continue;
    const auto why = fmt::format("row {}, element {} is NaN, infinite or beyond float32", batch.first_row + row, at);
    if (bad == OnBadRow::fail) return source.refuse(why);
    batch.bad.push_back({.row = row, .line = 0, .why = why, .text = {}});
    std::ranges::fill(vector, 0.0F);
  }
  return {};
}

}  // namespace ndb::io
