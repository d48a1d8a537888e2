#include "shared/index/builder/equal_rows.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "shared/base/bytes.hpp"

namespace ndb::index {
namespace {

std::string_view bytes_of(const VectorsView& vectors, Row row) {
  return base::as_text({reinterpret_cast<const std::byte*>(vectors.vector(row)), std::size_t{vectors.dim} * sizeof(float)});
}

struct HashedRow {
  std::uint64_t hash;
  Row row;
  bool operator<(const HashedRow& other) const noexcept { return hash != other.hash ? hash < other.hash : row < other.row; }
};

std::vector<HashedRow> hash_rows(const VectorsView& vectors) {
  std::vector<HashedRow> hashed(vectors.rows);
  for (Row row = 0; row < vectors.rows; ++row) hashed[row] = {std::hash<std::string_view>{}(bytes_of(vectors, row)), row};
  std::sort(hashed.begin(), hashed.end());
  return hashed;
}

}  // namespace

EqualRows find_equal_rows(const VectorsView& vectors) {
  EqualRows equal;
  equal.first.resize(vectors.rows);
  std::vector<std::uint32_t> others(vectors.rows, 0);  // of each first row
  const auto hashed = hash_rows(vectors);
  for (std::size_t i = 0, head = 0; i < hashed.size(); ++i) {
    if (hashed[i].hash != hashed[head].hash) head = i;
    // Compared with the first row of its hash only: chosen collisions cost groups, never time.
    const bool same = i != head && bytes_of(vectors, hashed[i].row) == bytes_of(vectors, hashed[head].row);
    const Row first = hashed[same ? head : i].row;
    equal.first[hashed[i].row] = first;
    others[first] += same ? 1 : 0;
  }
  equal.offsets.push_back(0);
  std::vector<std::uint32_t> next(vectors.rows, 0);
  for (Row row = 0; row < vectors.rows; ++row) {
    if (others[row] == 0) continue;
    next[row] = equal.offsets.back();
    equal.rows.push_back(row);
    equal.offsets.push_back(equal.offsets.back() + others[row]);
  }
  equal.members.resize(equal.offsets.back());
  for (Row row = 0; row < vectors.rows; ++row)
    if (!equal.is_first(row)) equal.members[next[equal.first[row]]++] = row;
  return equal;
}

}  // namespace ndb::index
