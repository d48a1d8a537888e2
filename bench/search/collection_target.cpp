#include "bench/search/collection_target.hpp"

#include <charconv>
#include <chrono>
#include <stdexcept>
#include <string>

namespace ndb::bench {
namespace {

constexpr const char* kName = "bench";
constexpr std::size_t kBatchRows = 1'000;

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

void insert_rows(Collection& collection, const Matrix& base, std::size_t begin, std::size_t end) {
  for (std::size_t from = begin; from < end; from += kBatchRows) {
    std::vector<Document> batch;
    for (std::size_t row = from; row < std::min(end, from + kBatchRows); ++row)
      batch.push_back({.id = std::to_string(row), .vector = {base.row(row), base.row(row) + base.dim}});
    static_cast<void>(value_of(collection.insert_batch(batch)));
  }
}

void write(const std::filesystem::path& folder, const Matrix& base, const CollectionOptions& options) {
  const std::uint64_t part = (base.rows + options.segments - 1) / options.segments;
  DatabaseOptions database_options;
  database_options.index_threads = options.index_threads;
  database_options.memtable_bytes = ~std::uint64_t{0} >> 1;  // one flush a segment
  database_options.segment_max_rows = std::max<std::uint64_t>(part, 1'000);
  auto database = value_of(Database::open(folder, database_options));
  auto collection = value_of(database.create_collection(kName, options.config));
  for (std::size_t begin = 0; begin < base.rows; begin += part) {
    insert_rows(collection, base, begin, std::min<std::size_t>(base.rows, begin + part));
    static_cast<void>(value_of(collection.flush()));
  }
  static_cast<void>(value_of(collection.rebuild_index()));
  if (const auto closed = database.close(); !closed) throw std::runtime_error(closed.error().message);
}

}  // namespace

CollectionTarget::CollectionTarget(const std::filesystem::path& folder, const Matrix& base, const CollectionOptions& options)
    : dim_(base.dim) {
  if (!std::filesystem::exists(folder / kName)) {
    const auto start = std::chrono::steady_clock::now();
    write(folder, base, options);
    build_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  database_.emplace(value_of(Database::open(folder, {.read_only = true})));
  collection_.emplace(value_of(database_->get_collection(kName)));
}

void CollectionTarget::search(const float* query, std::uint32_t k, std::uint32_t ef, std::vector<std::uint32_t>& rows) const {
  search(Search{std::span(query, dim_)}.top_k(k).ef(ef).with_payload(false), rows);
}

void CollectionTarget::search_recall(const float* query, std::uint32_t k, double recall, std::vector<std::uint32_t>& rows) const {
  search(Search{std::span(query, dim_)}.top_k(k).recall(recall).with_payload(false), rows);
}

void CollectionTarget::search(const Search& search, std::vector<std::uint32_t>& rows) const {
  const auto found = value_of(collection_->search(search));
  rows.clear();
  for (const auto& match : found.matches) {
    std::uint32_t row = 0;
    std::from_chars(match.id.data(), match.id.data() + match.id.size(), row);
    rows.push_back(row);
  }
}

SearchPlan CollectionTarget::explain(const float* query, std::uint32_t k, std::uint32_t ef) const {
  return value_of(collection_->search(Search{std::span(query, dim_)}.top_k(k).ef(ef).with_payload(false).explain(true))).plan.value_or(SearchPlan{});
}

CollectionStats CollectionTarget::stats() const { return value_of(collection_->stats()); }

}  // namespace ndb::bench
