// Graphs: as bytes, and as changes of a sound one (pairs of place and value), opened, verified and searched. Only through what every
// version of the format offers.
#include <cmath>

#include "shared/index/hnsw_build.hpp"
#include "shared/index/hnsw_search.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/memory_file_system.hpp"

using namespace ndb;

namespace {

constexpr Row kGraphRows = 150;
constexpr std::uint32_t kDim = 20;

struct Sound {
  std::vector<float> values;
  index::VectorsView view;
  std::vector<std::byte> graph;

  Sound() {
    for (Row row = 0; row < kGraphRows; ++row)  // some rows are equal
      for (std::uint32_t d = 0; d < kDim; ++d) values.push_back(static_cast<float>((row % 130) * 37U % 101U + d * (row % 130) % 17U));
    view = {.data = reinterpret_cast<const std::byte*>(values.data()), .stride_bytes = kDim * sizeof(float), .rows = kGraphRows, .dim = kDim,
            .distance = Distance::euclidean};
    graph = index::build_hnsw(view, {.m = 4, .ef_construction = 20}).value();
  }
};

void look(const Sound& sound, base::ByteSpan bytes) {
  fuzz::MemoryFileSystem fs;  // for memory of exactly that size
  fs.put("g", bytes);
  const auto mapping = fs.map("g").value();
  const auto graph = index::HnswView::open(mapping->bytes());
  if (!graph) return;
  const bool whole = graph->verify().has_value();
  if (graph->rows() != kGraphRows || graph->dim() != kDim || graph->distance() != Distance::euclidean) return;
  index::SearchScratch scratch;
  index::SearchStats stats;
  index::TopK<> top(5);
  const index::PreparedQuery query({sound.values.data() + 7 * kDim, kDim}, Distance::euclidean);
  index::search(*graph, sound.view, query, {.k = 5, .ef = 16}, index::AcceptAll{}, scratch, top, stats);
  for (const auto& candidate : top.take()) fuzz::must(candidate.row < kGraphRows && std::isfinite(candidate.key), "a match that cannot be");
  fuzz::must(!whole || !stats.damaged, "a graph that verifies is damaged when it is searched");
}

}  // namespace

NDB_FUZZ_TARGET(hnsw, data, size) {
  static const Sound sound;
  look(sound, {reinterpret_cast<const std::byte*>(data), size});
  fuzz::Input input(data, size);
  auto graph = sound.graph;
  const bool near_the_head = input.take<std::uint8_t>() % 2 == 0;
  while (!input.empty()) {
    const std::size_t reach = near_the_head ? std::min<std::size_t>(512, graph.size()) : graph.size();
    const std::size_t at = input.take<std::uint32_t>() % reach;
    graph[at] = input.take<std::byte>();
  }
  look(sound, graph);
  return 0;
}
