#include "reader/part_search.hpp"

#include <algorithm>
#include <cmath>

#include "reader/filtered_search.hpp"
#include "reader/part_rows.hpp"
#include "shared/index/calibration.hpp"
#include "shared/index/code_scan.hpp"

namespace ndb::reader {

// Not inlined: in a shared library the address of what is thread-local takes a call, and the walk, knowing where it came from, would ask for
// it again at every use.
[[gnu::noinline]] index::SearchScratch& thread_scratch() {
  thread_local index::SearchScratch scratch;
  return scratch;
}

namespace {

void scan_memtable_rows(const memtable::Memtable& memtable, const Part& part, const PartQuery& query, Row begin, Row end,
                        Top& top, index::SearchStats& stats) {
  constexpr Row kChunk = memtable::Memtable::kChunkRows;
  for (Row row = begin; row < end;) {
    const Row chunk = row / kChunk;
    const auto vectors = memtable.chunk_vectors(chunk, part.rows());
    const Row chunk_end = std::min(end, (chunk + 1) * kChunk);
    for (; row < chunk_end; ++row) {
      if (!part.visible(row)) continue;
      if (!query.filter.matches_all() && !query.filter.matches(part.payload(row))) continue;
      top.push(query.query.key(vectors, row - chunk * kChunk), row);
      ++stats.distances;
    }
  }
}

void scan_segment_rows(const Part& part, const PartQuery& query, Row begin, Row end, Top& top, index::SearchStats& stats) {
  constexpr std::size_t kBytesAhead = std::size_t{1} << 20;
  const auto& view = *part.segment()->view;
  const auto& vectors = view.vectors();
  const auto visible = [&](Row row) { return part.visible(row); };
  const Row step = static_cast<Row>(std::max<std::size_t>(1, kBytesAhead / vectors.stride_bytes));
  for (Row from = begin; from < end; from += std::min(step, end - from)) {
    const Row to = from + std::min(step, end - from);
    if (from == begin) view.vectors_will_be_read(from, to);
    view.vectors_will_be_read(to, to + std::min(step, end - to));
    stats.distances += part.all_visible() ? index::scan(vectors, {from, to}, query.query, index::AcceptAll{}, top)
                                          : index::scan(vectors, {from, to}, query.query, visible, top);
  }
}

void scan_unfiltered(const Part& part, const PartQuery& query, Row begin, Row end, Top& top, index::SearchStats& stats) {
  if (begin >= end) return;
  if (part.memtable() != nullptr) return scan_memtable_rows(*part.memtable(), part, query, begin, end, top, stats);
  scan_segment_rows(part, query, begin, end, top, stats);
}

// A search adds codes for a block of rows, or for a share of those that lack them: it takes a little longer, and later ones far less.
void improve_codes(const Part& part, index::RowCodes& codes) {
  codes.want();
  const Row missing = part.rows() - std::min(part.rows(), codes.coded());
  part.extend_codes(std::max(index::RowCodes::kBlockRows, missing / 16));
}

Row dead_rows(const Part& part) noexcept {
  return part.memtable() != nullptr ? part.memtable()->deleted_count() : static_cast<Row>(part.segment()->tombstones->count());
}

// How long to go on in cells: by ef, and the longer, the more of the rows are dead. Nobody has measured what finds more than 95 %: then all cells.
std::uint32_t ef_in_cells(const Part& part, const PartQuery& query) noexcept {
  if (query.recall.value_or(0.0) > 0.95) return part.rows();
  const std::uint64_t live = part.rows() - std::min(part.rows(), dead_rows(part));
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(part.rows(), std::uint64_t{query.ef} * part.rows() / std::max<std::uint64_t>(1, live)));
}

// Of a memtable, or of a segment that waits for its graph.
float key_of(const Part& part, const PartQuery& query, Row row) {
  constexpr Row kChunk = memtable::Memtable::kChunkRows;
  if (part.memtable() != nullptr) return query.query.key(part.memtable()->chunk_vectors(row / kChunk, part.rows()), row % kChunk);
  return query.query.key(part.segment()->view->vectors(), row);
}

// Approximate: what has codes is compared by them first. begin: a multiple of RowCodes::kChunkRows, 0 if rows are divided into cells.
void scan_codes(const Part& part, const PartQuery& query, Row begin, Row end, Top& top, index::SearchStats& stats) {
  constexpr Row kChunk = index::RowCodes::kChunkRows;
  auto& codes = *part.codes();
  improve_codes(part, codes);
  auto& scratch = thread_scratch();
  // Cells are of a whole part; what was divided into tasks has hardly any codes yet.
  const bool apart = codes.has_cells() && (begin != 0 || end != part.rows());
  const Row coded = apart ? begin : std::min(end, codes.coded());
  if (coded <= begin || !codes.codec().prepare(query.query.data(), false, scratch.query_bits))
    return scan_unfiltered(part, query, begin, end, top, stats);
  const auto visible = [&](Row row) { return part.visible(row); };
  if (codes.has_cells()) {
    index::scan_cells(codes, coded, ef_in_cells(part, query), scratch, visible, [&](Row row) { return key_of(part, query, row); }, top, stats);
    return scan_unfiltered(part, query, coded, end, top, stats);
  }
  scratch.packed_query.prepare(scratch.query_bits, index::GroupOrder::sampled);
  for (Row row = begin; row < coded; row += kChunk) {
    const Row chunk_end = std::min(coded, row + kChunk);
    const auto scan = [&](const index::VectorsView& vectors, Row first) {
      const index::CodedRows rows{vectors, row - first, chunk_end - first, codes.chunk(row / kChunk), row};
      index::scan_by_codes(rows, codes.codec(), scratch.packed_query, query.query, visible, top, stats);
    };
    if (part.memtable() != nullptr) scan(part.memtable()->chunk_vectors(row / kChunk, part.rows()), row);
    else scan(part.segment()->view->vectors(), 0);
  }
  scan_unfiltered(part, query, coded, end, top, stats);
}

bool scans_codes(const Part& part, const PartQuery& query) noexcept {
  return query.approximate && query.filter.matches_all() && part.codes() != nullptr && query.query.dim() >= index::RowCodes::kMinDim;
}

PartResult exact(const Part& part, const PartQuery& query, Row begin, Row end, const attributes::EvaluatedFilter* matching) {
  PartResult result{.best = {}, .stats = {}, .plan = Plan::exact};
  Top top(query.top_k, LessById{&part}, query.bound());
  if (query.filter.matches_all()) {
    scans_codes(part, query) ? scan_codes(part, query, begin, end, top, result.stats) : scan_unfiltered(part, query, begin, end, top, result.stats);
    if (result.stats.estimated_distances > 0) result.plan = part.codes()->has_cells() ? Plan::cells : Plan::codes;
  } else if (part.memtable() != nullptr) {
    scan_memtable_rows(*part.memtable(), part, query, begin, end, top, result.stats);
    result.rows_matched = result.stats.distances;
  } else {
    const auto rows = matching != nullptr ? visible_rows(part, matching->rows, begin, end) : part.matching(query.filter, begin, end);
    result.rows_matched = rows.size();
    if (matching != nullptr && begin == 0) result.rows_expected = matching->expected;
    result.stats.distances = index::scan_rows(part.segment()->view->vectors(), rows, query.query, top);
  }
  result.stats.bytes_touched += result.stats.distances * query.query.dim() * sizeof(float);
  result.best = top.take();
  return result;
}

PartResult graph(const Part& part, const PartQuery& query, double share) {
  PartResult result{.best = {}, .stats = {}, .plan = Plan::graph};
  const auto& view = *part.segment()->view;
  const auto deleted = static_cast<double>(part.segment()->tombstones->count());
  const index::HnswSearchParams params{
      .k = query.top_k, .ef = ef_of(part, query, share), .accepted_share = 1.0 - deleted / static_cast<double>(part.rows())};
  Top top(query.top_k, LessById{&part}, query.bound());
  if (part.all_visible()) {
    index::search(*view.hnsw(), view.vectors(), query.query, params, index::AcceptAll{}, thread_scratch(), top, result.stats);
  } else {
    const auto visible = [&](Row row) { return part.visible(row); };
    index::search(*view.hnsw(), view.vectors(), query.query, params, visible, thread_scratch(), top, result.stats);
  }
  result.best = top.take();
  return result;
}

// Among so many dead rows, looking at the live ones is faster than walking around: a walk passes about ef / share nodes.
bool mostly_dead(const Part& part) noexcept {
  constexpr std::uint64_t kWalkCost = 150;  // in rows compared, for a share of 1
  const std::uint64_t rows = part.rows();
  const std::uint64_t live = rows - std::min<std::uint64_t>(rows, part.segment()->tombstones->count());
  return 2 * live < rows && live * live < kWalkCost * rows;
}

}  // namespace

// A part that holds a share of the matches needs that share of the candidates, and some more for chance.
std::uint32_t ef_of(const Part& part, const PartQuery& query, double share) {
  std::uint32_t ef = query.ef;
  if (query.recall) ef = std::max(query.top_k, index::ef_for_recall(part.segment()->view->hnsw()->recall_at_ef(), *query.recall, query.top_k));
  const double expected = ef * share;
  return std::min(ef, static_cast<std::uint32_t>(expected + 2.5 * std::sqrt(expected)) + 4);
}

bool uses_cells(const Part& part, const PartQuery& query) noexcept {
  return scans_codes(part, query) && part.codes()->has_cells() && part.codes()->coded() >= part.rows() / 2;
}

bool uses_graph(const Part& part, const PartQuery& query) noexcept {
  return query.approximate && part.segment() != nullptr && part.segment()->view->hnsw() != nullptr;
}

PartResult search_part(const Part& part, const PartQuery& query, Row begin, Row end, double share, const attributes::EvaluatedFilter* matching) {
  if (!uses_graph(part, query)) return exact(part, query, begin, end, matching);
  if (matching != nullptr) return filtered_search(part, query, *matching, share);
  if (!query.filter.matches_all()) return filtered_search_by_payload(part, query, share);
  if (mostly_dead(part)) return exact(part, query, 0, part.rows(), nullptr);
  auto result = graph(part, query, share);
  // Deletions may have cut off what is left; a walk that finds too little is replaced.
  const std::uint64_t live = part.rows() - part.segment()->tombstones->count();
  if (result.stats.found < std::min<std::uint64_t>(query.top_k, live)) {
    const auto walked = result.stats;
    result = exact(part, query, 0, part.rows(), nullptr);
    result.stats += walked;
  }
  return result;
}

}  // namespace ndb::reader
