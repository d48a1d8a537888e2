#include "cli/bench/bench_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/answer.hpp"
#include "shared/base/result.hpp"
#include "shared/io/vector_reader.hpp"

namespace ndb::cli {
namespace {

/// Rows that are none are left out.
class FileStream final : public DocumentStream {
 public:
  explicit FileStream(std::unique_ptr<RowSource> source) : source_(std::move(source)) {}
  std::uint32_t dim() const noexcept override { return source_->dim(); }
  std::uint64_t total() const noexcept override { return source_->done().rows_total.value_or(0); }
  Result<bool> next(std::vector<Document>& into) override {
    constexpr std::size_t kRows = 512;
    into.clear();
    do {
      NDB_TRY_ASSIGN(const bool more, source_->next(chunk_, kRows));
      if (!more) return false;
    } while (chunk_.size() == 0);
    for (auto& view : chunk_.views())
      into.push_back({.id = std::string(view.id), .vector = {view.vector.begin(), view.vector.end()}, .payload = std::string(view.payload)});
    return true;
  }

 private:
  std::unique_ptr<RowSource> source_;
  Chunk chunk_;
};

std::vector<std::string> texts_at(const boost::json::object& object, std::string_view key) {
  std::vector<std::string> texts;
  for (const auto& one : array_at(object, key))
    if (one.is_string()) texts.emplace_back(one.get_string());
  return texts;
}

}  // namespace

Result<BenchRows> rows_of_files(const RowFiles& files) {
  NDB_TRY_ASSIGN(auto source, RowSource::open(files));
  BenchRows rows{.name = source->name(), .stream = {}, .config = {.dim = source->dim()}};
  rows.stream = std::make_unique<FileStream>(std::move(source));
  return rows;
}

Result<BenchRows> rows_of_collection(const Session& session, const std::string& name) {
  BenchRows rows{.name = name, .stream = {}, .config = {}};
  {
    NDB_TRY_ASSIGN(const auto target, session.open(Purpose::read));
    NDB_TRY_ASSIGN(const auto text, target->stats(name));
    NDB_TRY_ASSIGN(const auto stats, parse_answer(text));
    const auto& hnsw = object_at(stats, "hnsw");
    const auto& attributes = object_at(stats, "attributes");
    rows.config.dim = static_cast<std::uint32_t>(count_at(stats, "dim"));
    rows.config.distance = distance_from_name(text_at(stats, "distance")).value_or(Distance::cosine);
    rows.config.durability = durability_from_name(text_at(stats, "durability")).value_or(Durability::buffered);
    rows.config.hnsw.m = static_cast<std::uint32_t>(count_at(hnsw, "m"));
    rows.config.hnsw.ef_construction = static_cast<std::uint32_t>(count_at(hnsw, "ef_construct"));
    rows.config.hnsw.ef_search = static_cast<std::uint32_t>(count_at(hnsw, "ef_search"));
    rows.config.hnsw.quantization = quantization_from_name(text_at(hnsw, "quantization")).value_or(Quantization::automatic);
    rows.config.attributes = {.only = texts_at(attributes, "only"), .never = texts_at(attributes, "never")};
  }
  NDB_TRY_ASSIGN(rows.stream, DocumentStream::open(session, name, "", {}));
  return rows;
}

Result<std::vector<std::vector<float>>> read_queries(const std::string& file, std::uint32_t dim, std::size_t max_rows) {
  NDB_TRY_ASSIGN(const auto reader, io::VectorReader::open(file));
  std::vector<std::vector<float>> queries;
  io::Batch batch;
  while (queries.size() < max_rows) {
    NDB_TRY_ASSIGN(const bool more, reader->next(batch, std::min<std::size_t>(256, max_rows - queries.size())));
    if (!more) break;
    if (batch.dim != dim) return fail(ErrorCode::invalid_argument, fmt::format("{} has vectors of {} elements, the rows have {}", file, batch.dim, dim));
    for (std::size_t row = 0; row < batch.size(); ++row) queries.emplace_back(batch.vector(row).begin(), batch.vector(row).end());
  }
  if (queries.empty()) return fail(ErrorCode::invalid_argument, file + " has no vectors");
  return queries;
}

}  // namespace ndb::cli
