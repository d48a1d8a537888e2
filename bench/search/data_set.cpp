#include "bench/search/data_set.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "shared/base/bytes.hpp"
#include "shared/base/result.hpp"

namespace ndb::bench {
namespace {

namespace fs = std::filesystem;

Result<std::string> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::not_found, path.string() + ": cannot be read");
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// The number after `from` in the header's text, moving `from` behind it.
std::size_t next_number(std::string_view header, std::size_t& from) {
  from = header.find_first_of("0123456789", from);
  if (from == std::string_view::npos) return 0;
  std::size_t number = 0;
  const auto end = std::from_chars(header.data() + from, header.data() + header.size(), number).ptr;
  from = static_cast<std::size_t>(end - header.data());
  return number;
}

Result<Matrix> load_npy(const fs::path& path) {
  NDB_TRY_ASSIGN(const std::string bytes, read_file(path));
  const auto bad = [&](const char* why) { return fail(ErrorCode::invalid_argument, path.string() + ": " + why); };
  if (bytes.size() < 10 || !bytes.starts_with("\x93NUMPY") || bytes[6] != 1) return bad("not a .npy file of version 1");
  const auto header_bytes = base::load<std::uint16_t>(base::as_bytes(bytes).data() + 8);
  if (bytes.size() < 10U + header_bytes) return bad("cut short");
  const std::string_view header(bytes.data() + 10, header_bytes);
  std::size_t at = header.find("'shape'");
  if (at == std::string_view::npos || header.find("'fortran_order': False") == std::string_view::npos) return bad("not in C order");
  Matrix matrix;
  matrix.rows = next_number(header, at);
  matrix.dim = next_number(header, at);
  const std::size_t count = matrix.rows * matrix.dim;
  const char* data = bytes.data() + 10 + header_bytes;
  const std::size_t left = bytes.size() - 10 - header_bytes;
  matrix.values.resize(count);
  if (header.find("'|u1'") != std::string_view::npos && left == count) {
    for (std::size_t i = 0; i < count; ++i) matrix.values[i] = static_cast<float>(static_cast<unsigned char>(data[i]));
  } else if (header.find("'<f4'") != std::string_view::npos && left == count * sizeof(float)) {
    std::memcpy(matrix.values.data(), data, left);
  } else {
    return bad("neither uint8 nor float32, or cut short");
  }
  return matrix;
}

// .fvecs and .ivecs: per row its length as int32, then that many 4-byte values.
template <class T>
Result<std::vector<std::vector<T>>> load_vecs(const fs::path& path) {
  NDB_TRY_ASSIGN(const std::string bytes, read_file(path));
  std::vector<std::vector<T>> rows;
  for (std::size_t at = 0; at + 4 <= bytes.size();) {
    std::int32_t length = 0;
    std::memcpy(&length, bytes.data() + at, 4);
    at += 4;
    if (length <= 0 || bytes.size() - at < static_cast<std::size_t>(length) * sizeof(T))
      return fail(ErrorCode::invalid_argument, path.string() + ": cut short");
    rows.emplace_back(static_cast<std::size_t>(length));
    std::memcpy(rows.back().data(), bytes.data() + at, rows.back().size() * sizeof(T));
    at += rows.back().size() * sizeof(T);
  }
  return rows;
}

Result<Matrix> load_matrix(const fs::path& folder, const std::string& name) {
  if (fs::exists(folder / (name + ".npy"))) return load_npy(folder / (name + ".npy"));
  NDB_TRY_ASSIGN(const auto rows, load_vecs<float>(folder / (name + ".fvecs")));
  Matrix matrix{rows.size(), rows.empty() ? 0 : rows[0].size(), {}};
  for (const auto& row : rows) {
    if (row.size() != matrix.dim) return fail(ErrorCode::invalid_argument, name + ".fvecs: rows of different length");
    matrix.values.insert(matrix.values.end(), row.begin(), row.end());
  }
  return matrix;
}

}  // namespace

Result<DataSet> load_queries(const fs::path& folder) {
  DataSet data;
  NDB_TRY_ASSIGN(data.queries, load_matrix(folder, "query"));
  NDB_TRY_ASSIGN(data.truth, load_vecs<std::uint32_t>(folder / "groundtruth.ivecs"));
  if (data.truth.size() != data.queries.rows || data.queries.rows == 0)
    return fail(ErrorCode::invalid_argument, folder.string() + ": queries and ground truth do not fit");
  return data;
}

Result<DataSet> load_data_set(const fs::path& folder) {
  NDB_TRY_ASSIGN(DataSet data, load_queries(folder));
  NDB_TRY_ASSIGN(data.base, load_matrix(folder, "base"));
  if (data.base.dim != data.queries.dim || data.base.rows == 0)
    return fail(ErrorCode::invalid_argument, folder.string() + ": base, queries and ground truth do not fit");
  return data;
}

double recall_of(const DataSet& data, const std::vector<std::vector<std::uint32_t>>& found, std::uint32_t k) {
  std::size_t hits = 0;
  for (std::size_t q = 0; q < data.queries.rows; ++q)
    for (std::uint32_t i = 0; i < k; ++i) hits += std::ranges::count(found[q], data.truth[q][i]) > 0 ? 1 : 0;
  return static_cast<double>(hits) / static_cast<double>(data.queries.rows * k);
}

}  // namespace ndb::bench
