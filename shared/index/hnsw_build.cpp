#include "shared/index/hnsw_build.hpp"

#include <fmt/core.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <mutex>
#include <new>

#include "shared/base/result.hpp"
#include "shared/index/builder/code_ranking.hpp"
#include "shared/index/builder/graph_reach.hpp"
#include "shared/index/builder/graph_reuse.hpp"
#include "shared/index/builder/hnsw_encode.hpp"
#include "shared/index/hnsw_format.hpp"
#include "shared/index/builder/parallel_rows.hpp"
#include "shared/index/calibration.hpp"
#include "shared/index/random_bits.hpp"

namespace ndb::index {
namespace {

constexpr std::uint32_t kHighestLevel = 24;       // 2^24 · … rows would be needed for more, even with m = 2
constexpr std::uint32_t kMinDimForCodes = 32;     // below, a vector is as short as its code row
constexpr std::uint32_t kMinDimForBits = 64;      // below, a row of 8-bit codes is as short, and better
constexpr Row kMinRowsForCodes = 64;
constexpr double kMostCandidates = 120.0;         // for ten neighbours; more cost more than 8-bit codes do
constexpr std::uint64_t kRotationSeed = 0x6E44'4231;
constexpr double kMinReusedShare = 0.1;           // of the rows; less is not worth carrying over
constexpr std::uint64_t kProgressEvery = 256;

// Where reading a refined row costs at most a quarter of reading the vector: from 256 dimensions on.
bool refined_codes_pay(std::uint32_t dim) noexcept {
  return BitCodec::refined_stride_bytes(dim) * 4 <= std::size_t{dim} * sizeof(float);
}

// A row's level follows from its number and the seed: exponentially fewer rows the higher.
std::uint8_t random_level(Row row, std::uint64_t seed, std::uint32_t m) noexcept {
  const double uniform = (static_cast<double>(mix_bits(seed ^ mix_bits(row)) >> 11) + 1.0) * 0x1.0p-53;  // (0, 1]
  const double level = -std::log(uniform) / std::log(static_cast<double>(m));
  return static_cast<std::uint8_t>(std::min<double>(level, kHighestLevel));
}

Status check_input(const VectorsView& vectors, const HnswBuildParams& params, const ReusedGraph* reused) {
  if (vectors.rows == 0) return fail(ErrorCode::invalid_argument, "there are no rows to build a graph of");
  if (params.m < kMinM || params.m > kMaxM)
    return fail(ErrorCode::invalid_argument, fmt::format("m is {}, not {} to {}", params.m, kMinM, kMaxM), "hnsw.m");
  if (vectors.rows > max_rows(vectors.dim, params.m))
    return fail(ErrorCode::invalid_argument, fmt::format("{} rows are too many for one graph of dim {} and m {}: at most {}",
                                                         vectors.rows, vectors.dim, params.m, max_rows(vectors.dim, params.m)));
  if (reused != nullptr && (reused->graph->dim() != vectors.dim || reused->graph->distance() != vectors.distance ||
                            reused->graph->m() != params.m || reused->new_rows.size() != reused->graph->rows()))
    return fail(ErrorCode::invalid_argument, "the graph to start from has another shape");
  return {};
}

// Everything that one build shares between its threads.
class Build {
 public:
  Build(const VectorsView& vectors, const HnswBuildParams& params, const ReusedGraph* reused)
      : vectors_(vectors), params_(params), reused_(reused), threads_(params.threads, params.stop) {}

  Result<std::vector<std::byte>> run() {
    equal_ = find_equal_rows(vectors_);
    prepare_codes();
    prepare_bits();
    if (codec_) return link(CodePairs(*codec_, codes_.data()));
    return link(VectorPairs(vectors_));
  }

 private:
  void prepare_codes() {
    if (params_.quantization == Quantization::none || vectors_.dim < kMinDimForCodes || vectors_.rows < kMinRowsForCodes) return;
    const Codec codec = Codec::train(vectors_);
    const std::size_t stride = Codec::stride_bytes(vectors_.dim);
    codes_ = AlignedBuffer<std::byte>(stride * vectors_.rows);
    std::atomic<bool> fits = true;
    threads_.each(vectors_.rows, [&](std::uint64_t row, InsertScratch&) {
      if (!codec.encode(vectors_.vector(static_cast<Row>(row)), codes_.data() + row * stride))
        fits.store(false, std::memory_order_relaxed);  // relaxed: read after the threads have joined
    });
    if (stopped() || !fits || !(bits_are_known_good() || codes_rank_well(vectors_, codec, codes_.data(), params_.threads))) {
      codes_ = {};
      return;
    }
    codec_.emplace(codec);
  }

  // What was measured on the graph that most rows come from is not measured again: for a merge of few rows that takes longer than putting them in.
  [[nodiscard]] bool bits_are_known_good() const {
    return reused_ != nullptr && reused_->graph->bit_codec() != nullptr && reused_->graph->candidates_for_ten() > 0.0F &&
           std::uint64_t{2} * reused_->graph->rows() >= vectors_.rows;
  }

  // Rows that 8-bit codes cannot tell apart, 1-bit codes cannot either.
  void prepare_bits() {
    const bool wanted = params_.quantization == Quantization::rabitq ||
                        (params_.quantization == Quantization::automatic && vectors_.dim >= kMinDimForBits);
    if (!wanted || !codec_) return;
    const auto centre = codec_->centre();
    BitCodec codec({centre.begin(), centre.end()}, codec_->unit(), vectors_.distance, kRotationSeed);
    const std::size_t stride = BitCodec::stride_bytes(vectors_.dim);
    bit_rows_ = AlignedBuffer<std::byte>(stride * vectors_.rows);
    const std::size_t refined_stride = refined_codes_pay(vectors_.dim) ? BitCodec::refined_stride_bytes(vectors_.dim) : 0;
    refined_rows_ = AlignedBuffer<std::byte>(refined_stride * vectors_.rows);
    std::atomic<bool> fits = true;
    threads_.each(vectors_.rows, [&](std::uint64_t row, InsertScratch&) {
      std::byte* refined = refined_stride != 0 ? refined_rows_.data() + row * refined_stride : nullptr;
      if (!codec.encode(vectors_.vector(static_cast<Row>(row)), bit_rows_.data() + row * stride, refined))
        fits.store(false, std::memory_order_relaxed);  // relaxed: read after the threads have joined
    });
    if (!stopped() && fits) {
      candidates_for_ten_ = bits_are_known_good() ? static_cast<double>(reused_->graph->candidates_for_ten())
                                                  : candidates_for_ten(vectors_, codec, bit_rows_.data(), params_.threads);
      if (candidates_for_ten_ <= kMostCandidates) bit_codec_.emplace(std::move(codec));
    }
    if (bit_codec_) return;
    bit_rows_ = {};
    refined_rows_ = {};
  }

  // Measures the finished graph and writes down what it found, in the place that was kept for it.
  Status calibrate(std::vector<std::byte>& bytes) const {
    NDB_TRY_ASSIGN(const HnswView view, HnswView::open(bytes));
    std::array<float, kCalibratedEfs.size()> recall{};
    measure_recall(view, vectors_, params_.threads, recall);
    const auto place = reinterpret_cast<const std::byte*>(view.recall_at_ef().data()) - bytes.data();
    std::memcpy(bytes.data() + place, recall.data(), sizeof recall);
    return {};
  }

  // The codes that searches walk on; the others served to build only.
  [[nodiscard]] GraphFacts facts() const {
    GraphFacts facts{.dim = vectors_.dim, .distance = vectors_.distance, .ef_construction = params_.ef_construction};
    facts.recall_points = kCalibratedEfs.size();
    facts.candidates_for_ten = static_cast<float>(candidates_for_ten_);
    if (bit_codec_) {
      facts.bit_codec = &*bit_codec_;
      facts.bit_rows = bit_rows_.span();
      facts.refined_rows = refined_rows_.span();
      facts.cells = &cells_;
    } else if (codec_) {
      facts.codec = &*codec_;
      facts.codes = codes_.span();
    }
    return facts;
  }

  template <RowPairs Pairs>
  Result<std::vector<std::byte>> link(const Pairs& pairs) {
    std::optional<ReuseMap> map;
    if (reused_ != nullptr) map = map_reused_rows(*reused_, equal_);
    if (map && static_cast<double>(map->count) < kMinReusedShare * vectors_.rows) map.reset();
    const auto levels = choose_levels(map ? &*map : nullptr);
    GraphTables graph(levels, params_.m);
    if (map) carry_over(graph, pairs, *map);
    else start_at_highest(graph, levels);
    insert_rows(graph, pairs, levels, map ? &*map : nullptr);
    if (stopped()) return fail(ErrorCode::unavailable, "building the graph was stopped");
    make_reachable(graph, equal_, pairs, params_.ef_construction);
    if (bit_codec_) codes_ = {};
    make_cells_of_rows();
    if (stopped()) return fail(ErrorCode::unavailable, "building the graph was stopped");
    auto bytes = encode_graph(graph, equal_, facts());
    if (bytes) NDB_TRY(calibrate(*bytes));
    return bytes;
  }

  void make_cells_of_rows() {
    if (!bit_codec_) return;
    cells_ = make_cells(vectors_, *bit_codec_, bit_rows_.data(), params_.cells.value_or(cell_count(vectors_.rows)), params_.threads, params_.stop);
  }

  [[nodiscard]] std::vector<std::uint8_t> choose_levels(const ReuseMap* map) const {
    std::vector<std::uint8_t> levels(vectors_.rows, 0);
    for (Row row = 0; row < vectors_.rows; ++row) {
      if (map != nullptr && map->carried[row]) levels[row] = map->levels[row];
      else if (equal_.is_first(row)) levels[row] = random_level(row, params_.seed, params_.m);
    }
    return levels;
  }

  void start_at_highest(GraphTables& graph, const std::vector<std::uint8_t>& levels) const {
    const auto highest = std::max_element(levels.begin(), levels.end());
    const Row row = static_cast<Row>(highest - levels.begin());
    graph.top_level = *highest;
    graph.entry = *highest > 0 ? *graph.upper_node(row) : row;
  }

  template <RowPairs Pairs>
  void carry_over(GraphTables& graph, const Pairs& pairs, ReuseMap& map) {
    map_reused_levels(*reused_->graph, graph, map);
    const GraphCarrier<Pairs> carrier(*reused_->graph, map, graph, pairs);
    threads_.each(reused_->graph->rows(), [&](std::uint64_t row, InsertScratch& scratch) {
      carrier.carry_over(static_cast<Row>(row), scratch);
    });
    threads_.each(reused_->graph->upper_nodes(), [&](std::uint64_t node, InsertScratch& scratch) {
      carrier.carry_over_upper(static_cast<std::uint32_t>(node), scratch);
    });
    done_ = map.count;
  }

  template <RowPairs Pairs>
  void insert_rows(GraphTables& graph, const Pairs& pairs, const std::vector<std::uint8_t>& levels, const ReuseMap* map) {
    std::optional<BitRows> bits;
    if (bit_codec_) bits.emplace(vectors_, *bit_codec_, bit_rows_.data());
    GraphInserter<Pairs> inserter(graph, pairs, std::max(params_.ef_construction, params_.m), bits ? &*bits : nullptr);
    InsertScratch scratch;
    std::vector<bool> linked = map != nullptr ? map->carried : std::vector<bool>(vectors_.rows, false);
    linked[graph.row_of(graph.top_level, graph.entry)] = true;
    // Rows above the top come first, one by one: each is the entry of all that follow.
    for (Row row = 0; row < vectors_.rows && !stopped(); ++row) {
      if (linked[row] || levels[row] <= graph.top_level) continue;
      inserter.insert(row, scratch);
      linked[row] = true;
      graph.top_level = levels[row];
      graph.entry = *graph.upper_node(row);
    }
    threads_.each(vectors_.rows, [&](std::uint64_t row, InsertScratch& own) {
      if (!linked[row] && equal_.is_first(static_cast<Row>(row))) inserter.insert(static_cast<Row>(row), own);
      if (map == nullptr || !map->carried[row]) report_progress();
    });
  }

  [[nodiscard]] bool stopped() const { return params_.stop.stop_requested(); }

  void report_progress() {
    const std::uint64_t done = done_.fetch_add(1, std::memory_order_relaxed) + 1;  // relaxed: a count, nothing else
    if (!params_.progress || (done % kProgressEvery != 0 && done != vectors_.rows)) return;
    const std::scoped_lock lock(progress_mutex_);
    params_.progress(done, vectors_.rows);
  }

  const VectorsView& vectors_;
  const HnswBuildParams& params_;
  const ReusedGraph* reused_;
  ParallelRows<InsertScratch> threads_;
  EqualRows equal_;
  std::optional<Codec> codec_;
  AlignedBuffer<std::byte> codes_;
  std::optional<BitCodec> bit_codec_;
  AlignedBuffer<std::byte> bit_rows_;
  AlignedBuffer<std::byte> refined_rows_;
  Cells cells_;
  double candidates_for_ten_ = 0.0;
  std::atomic<std::uint64_t> done_ = 0;
  std::mutex progress_mutex_;
};

}  // namespace

std::uint64_t max_rows(std::uint32_t dim, std::uint32_t m) noexcept {
  // Codes, links of level 0, and generously what the levels above and groups of equal rows take.
  const std::uint64_t bits = BitCodec::stride_bytes(dim) + (refined_codes_pay(dim) ? BitCodec::refined_stride_bytes(dim) : 0) + sizeof(Row);
  const std::uint64_t bytes_per_row = std::max<std::uint64_t>(Codec::stride_bytes(dim), bits) + std::uint64_t{m} * 2 * 4 + 24 + 12;
  return (kMaxHnswBytes - (std::uint64_t{1} << 20)) / bytes_per_row;
}

Result<std::vector<std::byte>> build_hnsw(const VectorsView& vectors, const HnswBuildParams& params,
                                          const ReusedGraph* reused) {
  NDB_TRY(check_input(vectors, params, reused));
  try {
    return Build(vectors, params, reused).run();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::unavailable, "not enough memory to build the graph");
  }
}

}  // namespace ndb::index
