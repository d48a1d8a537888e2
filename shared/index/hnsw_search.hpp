// Approximate search: down the levels, a walk on level 0, exact keys for the best of what it found.
//
// Threads: views and queries are shared; scratch, collector and stats belong to the calling thread.
// Invariants: what reaches the collector has exact keys and was accepted. Damaged graphs cost recall, never a crash, and
// set SearchStats::damaged; the caller then reports corruption.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include "shared/index/codes/bit_codec.hpp"
#include "shared/index/codes/packed_codes.hpp"
#include "shared/index/exact_scan.hpp"
#include "shared/index/graph_walk.hpp"
#include "shared/index/hnsw_view.hpp"
#include "shared/index/prepared_query.hpp"
#include "shared/index/top_k.hpp"

namespace ndb::index {

struct HnswSearchParams {
  std::uint32_t k = 10;               ///< matches wanted; ≥ 1
  std::uint32_t ef = 64;              ///< candidates kept while walking; raised to k
  /// Share of the rows that are accepted, if it is known. From a half on, rejected nodes are walked like all others, with as
  /// many candidates more; below (0: unknown) only accepted ones become candidates.
  double accepted_share = 0.0;
  /// Gives up before the walk where fewer of the rows around its start are accepted than this share.
  double least_share_nearby = 0.0;
  std::uint64_t max_distances = 0;    ///< gives up after so many comparisons (0: never); only where rows are rejected
  /// Walk over accepted rows only, through rejected ones to their neighbours, whatever accepted_share says.
  bool two_hop = false;
  /// Accepted rows from anywhere, to start a two-hop walk from besides the graph's entry.
  std::span<const Row> seeds{};
};

struct SearchStats {
  std::uint64_t distances = 0;            ///< exact keys computed
  std::uint64_t estimated_distances = 0;  ///< keys computed on codes
  std::uint64_t bytes_touched = 0;        ///< of vectors, codes and links
  std::uint64_t hops = 0;                 ///< nodes expanded
  std::uint64_t found = 0;                ///< accepted rows that the walk found, at least k unless there were fewer
  bool damaged = false;                   ///< the graph holds impossible ids: the answer is not to be trusted
  bool gave_up = false;                   ///< max_distances was reached: search in another way

  /// Adds the work of an earlier search, and its damage.
  SearchStats& operator+=(const SearchStats& earlier) noexcept {
    distances += earlier.distances;
    estimated_distances += earlier.estimated_distances;
    bytes_touched += earlier.bytes_touched;
    hops += earlier.hops;
    damaged = damaged || earlier.damaged;
    return *this;
  }
};

/// Memory of a search; keep one per thread and reuse it.
struct SearchScratch {
  WalkScratch walk;
  AlignedBuffer<std::byte> query_code;
  BitQueryBuffer query_bits;
  PackedQuery packed_query;
  std::vector<Candidate> refined;
  std::vector<float> lows;  // of rows that are scanned by their codes
  std::vector<Candidate> likely;
  std::vector<Row> rows;
  std::vector<const std::byte*> codes;
  std::vector<std::uint32_t> cells;
};

/// Rows compared on the full vectors.
class ExactDistance {
 public:
  ExactDistance(const VectorsView& vectors, const PreparedQuery& query) : vectors_(&vectors), query_(&query) {}
  [[nodiscard]] float key(Row row) const noexcept { return query_->key(*vectors_, row); }
  void prefetch(Row row) const noexcept {
    simd::prefetch(vectors_->address(row), std::min<std::size_t>(vectors_->stride_bytes, 256));
    if (vectors_->inverse_norms != nullptr) simd::prefetch(vectors_->inverse_norms + row, sizeof(float));
  }

 private:
  const VectorsView* vectors_;
  const PreparedQuery* query_;
};

/// Rows compared on their codes.
class CodeDistance {
 public:
  CodeDistance(const HnswView& graph, const std::byte* query_code)
      : graph_(&graph), query_code_(query_code), bytes_(std::min<std::size_t>(Codec::stride_bytes(graph.dim()), 1024)) {}
  [[nodiscard]] float key(Row row) const noexcept { return graph_->codec()->key(query_code_, graph_->code(row)); }
  void prefetch(Row row) const noexcept { simd::prefetch(graph_->code_address(row), bytes_); }

 private:
  const HnswView* graph_;
  const std::byte* query_code_;
  std::size_t bytes_;  // of a row to load ahead: measured, whole rows are best
};

/// Nodes of one layer, estimated from their 1-bit codes.
template <bool kUpper>
class BitDistance {
 public:
  BitDistance(const HnswView& graph, const BitQueryBuffer& query)
      : graph_(&graph), query_(&query.query), kernels_(&graph.bit_codec()->kernels()), bytes_(BitCodec::stride_bytes(graph.dim())) {}
  [[nodiscard]] float key(std::uint32_t node) const noexcept {
    const std::byte* code = address(node);
    float key = 0.0F;
    kernels_->bit_keys(*query_, &code, 1, &key);
    return key;
  }
  [[nodiscard]] const simd::Kernels& kernels() const noexcept { return *kernels_; }
  void prefetch(std::uint32_t node) const noexcept { prefetch_code(address(node)); }
  [[nodiscard]] const std::byte* address(std::uint32_t node) const noexcept {
    return kUpper ? graph_->upper_bit_row(node) : graph_->bit_row(node);
  }
  void prefetch_code(const std::byte* code) const noexcept { simd::prefetch(code, bytes_); }
  void keys(const std::byte* const* codes, std::size_t count, float* keys) const noexcept {
    kernels_->bit_keys(*query_, codes, count, keys);
  }

 private:
  const HnswView* graph_;
  const simd::BitQuery* query_;
  const simd::Kernels* kernels_;
  std::size_t bytes_;
};

/// Level 0 of a finished graph: nodes are rows.
class BaseLayer {
 public:
  BaseLayer(const HnswView& graph, bool& damaged) : graph_(&graph), damaged_(&damaged) {}
  [[nodiscard]] std::uint32_t size() const noexcept { return graph_->rows(); }
  [[nodiscard]] std::span<const std::uint32_t> links(std::uint32_t node) const noexcept { return graph_->links(node); }
  [[nodiscard]] Row row(std::uint32_t node) const noexcept { return node; }
  void prefetch_links(std::uint32_t node) const noexcept {
    simd::prefetch(graph_->links_address(node), std::size_t{graph_->m()} * 2 * sizeof(std::uint32_t));
  }
  void report_damage() noexcept { *damaged_ = true; }

 private:
  const HnswView* graph_;
  bool* damaged_;
};

/// A level above 0: nodes are places in upper_rows. What is compared is the row, or, where the distance is one of upper nodes,
/// the node itself.
template <bool kByNode>
class UpperLayer {
 public:
  UpperLayer(const HnswView& graph, std::uint32_t level, bool& damaged)
      : graph_(&graph), level_(level), damaged_(&damaged) {}
  [[nodiscard]] std::uint32_t size() const noexcept { return graph_->upper_nodes(); }
  [[nodiscard]] std::span<const std::uint32_t> links(std::uint32_t node) noexcept {
    const auto links = graph_->upper_links(node, level_);
    if (links.empty()) report_damage();
    return links;
  }
  [[nodiscard]] std::uint32_t row(std::uint32_t node) noexcept { return kByNode ? node : row_of(node); }
  [[nodiscard]] Row row_of(std::uint32_t node) noexcept {
    const Row row = graph_->upper_row(node);
    if (row < graph_->rows()) [[likely]] return row;
    report_damage();
    return 0;
  }
  void prefetch_links(std::uint32_t) const noexcept {}
  void report_damage() noexcept { *damaged_ = true; }

 private:
  const HnswView* graph_;
  std::uint32_t level_;
  bool* damaged_;
};

namespace detail {

/// Share of accepted rows from which a walk need not know which they are.
inline constexpr double kMostlyAccepted = 0.5;

/// Whether any row with the vector of node `row` is accepted.
template <class Accept>
[[nodiscard]] bool accepts_node(const HnswView& graph, Row row, Accept& accept) {
  if (accept(row)) return true;
  if (!graph.has_groups()) return false;
  return std::ranges::any_of(graph.group_members(row), [&](Row member) { return member < graph.rows() && accept(member); });
}

/// Offers the node's accepted rows under their common key; returns how many.
template <class Accept, class Less>
std::size_t offer_node(const HnswView& graph, Row row, float key, Accept& accept, TopK<Less>& top) {
  std::size_t offered = 0;
  const auto offer = [&](Row candidate) {
    if (candidate >= graph.rows() || !accept(candidate)) return;
    top.push(key, candidate);
    ++offered;
  };
  offer(row);
  if (graph.has_groups())
    for (const Row member : graph.group_members(row)) offer(member);
  return offered;
}

/// Goes down to level 1 and returns the row to start from on level 0. distance: of rows, or, with kByNode, of upper nodes.
template <bool kByNode, RowDistance D>
Row find_start(const HnswView& graph, D& distance, WalkScratch& scratch, WalkStats& walked, SearchStats& stats) {
  if (graph.top_level() == 0) return graph.entry();
  Descent at;
  for (std::uint32_t level = graph.top_level(); level > 0; --level) {
    UpperLayer<kByNode> layer(graph, level, stats.damaged);
    if (level == graph.top_level()) at = begin_descent(layer, distance, graph.entry(), scratch, walked);
    at = descend(layer, distance, at, scratch, walked);
  }
  return UpperLayer<kByNode>(graph, 1, stats.damaged).row_of(at.node);
}

/// So many times more candidates are kept by a two-hop walk where hardly any of the rows around the query are accepted: what is lies in
/// several places then, about equally far away, and a few candidates from the first of them would end the walk.
inline constexpr std::size_t kFarFactor = 4;

/// The share of the rows around `start` that are accepted.
template <class Accept>
[[nodiscard]] double share_nearby(const HnswView& graph, Row start, Accept& accept) {
  std::size_t met = 1, accepted = accept(start) ? 1 : 0;
  for (const std::uint32_t link : graph.links(start)) {
    if (link == kNoLink || link >= graph.rows()) break;
    ++met;
    accepted += accept(link) ? 1U : 0U;
  }
  return static_cast<double>(accepted) / static_cast<double>(met);
}

/// Walks level 0 from `start` and fills the pool.
template <RowDistance D, class Accept>
void walk_base(const HnswView& graph, D& distance, Row start, const HnswSearchParams& params, Accept& accept,
               WalkScratch& scratch, WalkStats& walked, SearchStats& stats) {
  BaseLayer base(graph, stats.damaged);
  const std::size_t ef = std::max(params.ef, params.k);
  if constexpr (std::is_same_v<std::remove_cvref_t<Accept>, AcceptAll>) {
    walk(base, distance, start, ef, scratch, walked);
  } else if (params.two_hop) {
    const auto accepts = [&](Row row) { return accepts_node(graph, row, accept); };
    // Where vectors are equal, rows share a node, and a seed may have none.
    const auto seeds = graph.has_groups() ? std::span<const Row>{} : params.seeds;
    const bool far = share_nearby(graph, start, accepts) * 4.0 < params.accepted_share;
    const std::size_t kept = far ? kFarFactor * ef : ef;
    stats.gave_up = !walk_two_hop(base, distance, start, seeds, kept, graph.m(), accepts, params.max_distances, scratch, walked);
  } else if (params.accepted_share >= kMostlyAccepted) {
    if (params.least_share_nearby > 0.0 && share_nearby(graph, start, accept) < params.least_share_nearby) {
      scratch.pool.reset(1);
      stats.gave_up = true;
      return;
    }
    walk(base, distance, start, static_cast<std::size_t>(static_cast<double>(ef) / params.accepted_share) + 1, scratch, walked);
  } else {
    const auto accepts = [&](Row row) { return accepts_node(graph, row, accept); };
    stats.gave_up = !walk_filtered(base, distance, start, ef, accepts, params.max_distances, scratch, walked);
  }
}

template <RowDistance D, class Accept>
void walk_graph(const HnswView& graph, D distance, const HnswSearchParams& params, Accept& accept, WalkScratch& scratch,
                WalkStats& walked, SearchStats& stats) {
  const Row start = find_start<false>(graph, distance, scratch, walked, stats);
  walk_base(graph, distance, start, params, accept, scratch, walked, stats);
}

/// Nodes of the pool that get exact keys: k and half as many again, because codes order only nearly right.
[[nodiscard]] inline std::size_t rerank_count(std::size_t k) noexcept { return k + std::max<std::size_t>(k / 2, 10); }

/// An estimate that is so many standard deviations above the worst match so far is not looked at: fewer than one in a
/// hundred such rows would be a match.
inline constexpr float kSureDeviations = 2.5F;

/// Rows of the pool whose exact keys are loaded ahead of their use.
inline constexpr std::size_t kRerankAhead = 3;
/// The same for refined codes.
inline constexpr std::size_t kRefineAhead = 8;

template <class Accept, class Less>
void search_full(const HnswView& graph, const ExactDistance& exact, const HnswSearchParams& params, Accept& accept,
                 SearchScratch& scratch, TopK<Less>& top, WalkStats& walked, SearchStats& stats) {
  const SearchPool& pool = scratch.walk.pool;
  walk_graph(graph, exact, params, accept, scratch.walk, walked, stats);
  for (std::size_t i = 0; i < pool.size(); ++i) offer_node(graph, pool.node(i), pool.key(i), accept, top);
  stats.distances += walked.distances;
}

template <class Accept, class Less>
void search_codes(const HnswView& graph, const PreparedQuery& query, const ExactDistance& exact,
                  const HnswSearchParams& params, Accept& accept, SearchScratch& scratch, TopK<Less>& top, WalkStats& walked,
                  SearchStats& stats) {
  const SearchPool& pool = scratch.walk.pool;
  const std::size_t stride = Codec::stride_bytes(graph.dim());
  if (scratch.query_code.size() != stride) scratch.query_code = AlignedBuffer<std::byte>(stride);
  graph.codec()->encode(query.data(), scratch.query_code.data());
  walk_graph(graph, CodeDistance(graph, scratch.query_code.data()), params, accept, scratch.walk, walked, stats);
  const std::size_t wanted = rerank_count(params.k);
  std::size_t offered = 0;
  for (std::size_t i = 0; i < pool.size() && offered < wanted; ++i) {
    if (!accepts_node(graph, pool.node(i), accept)) continue;
    if (i + kRerankAhead < pool.size()) exact.prefetch(pool.node(i + kRerankAhead));
    offered += offer_node(graph, pool.node(i), exact.key(pool.node(i)), accept, top);
    ++stats.distances;
  }
  stats.estimated_distances += walked.distances;
}

/// The worst key that is still wanted, as an estimated one.
template <class Less>
[[nodiscard]] double worst_estimate(const BitCodec& codec, const TopK<Less>& top) noexcept {
  constexpr double kAny = std::numeric_limits<double>::max();
  return top.bound() < std::numeric_limits<float>::max() ? codec.from_exact(top.bound()) : kAny;
}

/// Accepted rows among the pool's nodes, counted up to `most`.
template <class Accept>
[[nodiscard]] std::size_t count_found(const HnswView& graph, const SearchPool& pool, std::size_t most, Accept& accept) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < pool.size() && found < most; ++i) {
    const Row row = pool.node(i);
    found += accept(row) ? 1 : 0;
    if (graph.has_groups())
      for (const Row member : graph.group_members(row)) found += member < graph.rows() && accept(member) ? 1 : 0;
  }
  return found;
}

/// Compares rows that may be among the matches on their vectors. As many as will be compared whatever comes of them are compared in one go
/// (compare_sure): behind a branch that the CPU guessed wrongly nothing is loaded ahead, and there is one behind each look at the worst match.
/// offer(key, row): to `top`, whatever has the row's vector.
template <class Less, class Offer>
class ExactComparer {
 public:
  ExactComparer(const BitCodec& codec, const ExactDistance& exact, TopK<Less>& top, Offer offer, SearchStats& stats)
      : codec_(&codec), exact_(&exact), top_(&top), offer_(std::move(offer)), stats_(&stats), worst_(worst_estimate(codec, top)) {}

  /// The worst match so far, as an estimated key.
  [[nodiscard]] double worst() const noexcept { return worst_; }

  /// Offers all `candidates`.
  void compare_sure(std::span<const Candidate> candidates) {
    constexpr std::size_t kBlock = 32;
    std::array<float, kBlock> keys;
    prefetch_first(candidates);
    for (std::size_t begin = 0; begin < candidates.size(); begin += kBlock) {
      const std::size_t count = std::min(kBlock, candidates.size() - begin);
      for (std::size_t i = 0; i < count; ++i) {
        if (begin + i + kRerankAhead < candidates.size()) exact_->prefetch(candidates[begin + i + kRerankAhead].row);
        keys[i] = exact_->key(candidates[begin + i].row);
      }
      for (std::size_t i = 0; i < count; ++i) offer_(keys[i], candidates[begin + i].row);
    }
    stats_->distances += candidates.size();
    worst_ = worst_estimate(*codec_, *top_);
  }

  /// Offers those of `candidates`, whose keys are the lowest they may have and ascend, that may be among the matches.
  void compare_likely(std::span<const Candidate> candidates) {
    prefetch_first(candidates);
    for (std::size_t i = 0; i < candidates.size() && static_cast<double>(candidates[i].key) <= worst_; ++i) {
      if (i + kRerankAhead < candidates.size()) exact_->prefetch(candidates[i + kRerankAhead].row);
      const float bound = top_->bound();
      offer_(exact_->key(candidates[i].row), candidates[i].row);
      ++stats_->distances;
      if (top_->bound() != bound) worst_ = worst_estimate(*codec_, *top_);
    }
  }

  /// The same in any order, which it changes; of them the k lowest are sure to be compared, unless they are beyond worst().
  void compare_lowest(std::span<Candidate> candidates, std::size_t k) {
    const auto possible = [&](std::span<Candidate> some) {
      return std::partition(some.begin(), some.end(), [&](const Candidate& one) { return static_cast<double>(one.key) <= worst_; });
    };
    if (k < candidates.size()) std::ranges::nth_element(candidates, candidates.begin() + static_cast<std::ptrdiff_t>(k), {}, &Candidate::key);
    const auto sure = candidates.first(std::min(k, candidates.size()));
    const auto rest = candidates.subspan(sure.size());
    compare_sure({sure.begin(), possible(sure)});
    const std::span<Candidate> left(rest.begin(), possible(rest));
    std::ranges::sort(left, {}, &Candidate::key);
    compare_likely(left);
  }

 private:
  void prefetch_first(std::span<const Candidate> candidates) const noexcept {
    for (std::size_t i = 0; i < std::min(kRerankAhead, candidates.size()); ++i) exact_->prefetch(candidates[i].row);
  }

  const BitCodec* codec_;
  const ExactDistance* exact_;
  TopK<Less>* top_;
  Offer offer_;
  SearchStats* stats_;
  double worst_;
};

/// The pool's nodes that may be among the matches, as far as estimates and their errors tell, get exact keys.
template <class Accept, class Less>
void rerank_bits(const HnswView& graph, const ExactDistance& exact, std::size_t k, Accept& accept, SearchScratch& scratch, TopK<Less>& top,
                 SearchStats& stats) {
  const SearchPool& pool = scratch.walk.pool;
  const BitCodec& codec = *graph.bit_codec();
  ExactComparer comparer(codec, exact, top, [&](float key, Row row) { offer_node(graph, row, key, accept, top); }, stats);
  std::size_t next = 0;
  const auto choose = [&](std::size_t most) {
    scratch.refined.clear();
    for (; next < pool.size() && scratch.refined.size() < most; ++next) {
      const Row row = pool.node(next);
      const float low = pool.key(next) - kSureDeviations * codec.key_error(graph.bit_row(row), scratch.query_bits);
      if (static_cast<double>(low) <= comparer.worst() && accepts_node(graph, row, accept)) scratch.refined.push_back({low, row});
    }
  };
  choose(k);  // those that look best, not those that may be best: the bound falls sooner
  comparer.compare_sure(scratch.refined);
  choose(pool.size());
  std::ranges::sort(scratch.refined, {}, &Candidate::key);
  comparer.compare_likely(scratch.refined);
}

/// Fills scratch.refined with the pool's nodes that may be among the k best, by the lowest keys that they may have after their refined codes. The
/// first k give a bound, and what of the others is within it is compared in one go, too: see ExactComparer.
template <class Accept>
void refine_pool(const HnswView& graph, std::size_t k, double worst, Accept& accept, SearchScratch& scratch, SearchStats& stats) {
  const SearchPool& pool = scratch.walk.pool;
  const BitCodec& codec = *graph.bit_codec();
  auto& rows = scratch.rows;
  scratch.refined.clear();
  auto bound = static_cast<float>(std::min<double>(worst, std::numeric_limits<float>::max()));
  const auto load = [&](Row row) { simd::prefetch(graph.refined_address(row), graph.refined_stride()); };
  std::size_t next = 0;
  const auto choose = [&](std::size_t most) {
    rows.clear();
    for (; next < pool.size() && rows.size() < most; ++next) {
      const Row row = pool.node(next);
      const float error = kSureDeviations * codec.key_error(graph.bit_row(row), scratch.query_bits);
      if (pool.key(next) - error > bound || !accepts_node(graph, row, accept)) continue;
      if (rows.size() < kRefineAhead) load(row);
      rows.push_back(row);
    }
  };
  const auto refine = [&] {
    auto& keys = scratch.lows;
    if (keys.size() < rows.size()) keys.resize(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i + kRefineAhead < rows.size()) load(rows[i + kRefineAhead]);
      const std::byte* code = graph.refined_row(rows[i]);
      keys[i] = codec.refined_key(code, scratch.query_bits);
      scratch.refined.push_back({keys[i] - kSureDeviations * codec.refined_error(code, scratch.query_bits), rows[i]});
    }
    stats.bytes_touched += rows.size() * graph.refined_stride();
    stats.estimated_distances += rows.size();
  };
  choose(k);
  refine();
  if (rows.size() == k) bound = std::min(bound, *std::max_element(scratch.lows.begin(), scratch.lows.begin() + static_cast<std::ptrdiff_t>(k)));
  choose(pool.size());
  refine();
}

/// The same in two steps: refined codes first, exact keys for what is left.
template <class Accept, class Less>
void rerank_refined(const HnswView& graph, const ExactDistance& exact, std::size_t k, Accept& accept, SearchScratch& scratch,
                    TopK<Less>& top, SearchStats& stats) {
  ExactComparer comparer(*graph.bit_codec(), exact, top, [&](float key, Row row) { offer_node(graph, row, key, accept, top); }, stats);
  refine_pool(graph, k, comparer.worst(), accept, scratch, stats);
  comparer.compare_lowest(scratch.refined, k);
}

/// False if the query cannot be coded.
template <class Accept, class Less>
bool search_bits(const HnswView& graph, const PreparedQuery& query, const ExactDistance& exact,
                 const HnswSearchParams& params, Accept& accept, SearchScratch& scratch, TopK<Less>& top, WalkStats& walked,
                 SearchStats& stats) {
  if (!graph.bit_codec()->prepare(query.data(), graph.has_refined(), scratch.query_bits)) return false;
  BitDistance<true> upper_distance(graph, scratch.query_bits);
  const Row start = find_start<true>(graph, upper_distance, scratch.walk, walked, stats);
  BitDistance<false> distance(graph, scratch.query_bits);
  walk_base(graph, distance, start, params, accept, scratch.walk, walked, stats);
  if (graph.has_refined()) rerank_refined(graph, exact, params.k, accept, scratch, top, stats);
  else rerank_bits(graph, exact, params.k, accept, scratch, top, stats);
  stats.estimated_distances += walked.distances;
  return true;
}

}  // namespace detail

/// Offers the rows that are nearest to `query`, as far as a walk with these parameters finds them, to `top`: more than k
/// where they are at hand, so that ties and rows that the caller drops do not cost matches.
/// graph, vectors and query agree in rows, dim and distance (the caller has checked that). accept: bool(Row), asked for
/// nodes that are met; pass AcceptAll{} itself if all are wanted, which is faster.
template <class Accept, class Less>
void search(const HnswView& graph, const VectorsView& vectors, const PreparedQuery& query, const HnswSearchParams& params,
            Accept&& accept, SearchScratch& scratch, TopK<Less>& top, SearchStats& stats) {
  WalkStats walked;
  const ExactDistance exact(vectors, query);
  std::size_t walked_bytes = BitCodec::stride_bytes(graph.dim());
  if (graph.bit_codec() == nullptr || !detail::search_bits(graph, query, exact, params, accept, scratch, top, walked, stats)) {
    if (graph.codec() != nullptr) {
      walked_bytes = Codec::stride_bytes(graph.dim());
      detail::search_codes(graph, query, exact, params, accept, scratch, top, walked, stats);
    } else {
      walked_bytes = 0;
      detail::search_full(graph, exact, params, accept, scratch, top, walked, stats);
    }
  }
  stats.hops += walked.hops;
  stats.found = top.size() >= params.k ? top.size() : detail::count_found(graph, scratch.walk.pool, params.k, accept);
  stats.bytes_touched += walked.hops * 2 * graph.m() * sizeof(std::uint32_t) + walked.distances * walked_bytes +
                         stats.distances * graph.dim() * sizeof(float);
}

}  // namespace ndb::index
