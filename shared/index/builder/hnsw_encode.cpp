#include "shared/index/builder/hnsw_encode.hpp"

#include <fmt/core.h>

#include <cstring>

#include "ndb_schema/hnsw_generated.h"
#include "shared/base/check.hpp"
#include "shared/index/hnsw_format.hpp"

namespace ndb::index {
namespace {

constexpr std::size_t kAlignment = 64;

// Lets FlatBuffers build inside a vector of the right size, so that the graph is never held twice.
class VectorAllocator final : public flatbuffers::Allocator {
 public:
  std::uint8_t* allocate(std::size_t size) override {
    NDB_CHECK(bytes_.empty());  // the size is known beforehand, so the builder never grows
    bytes_.resize(size);
    return reinterpret_cast<std::uint8_t*>(bytes_.data());
  }
  void deallocate(std::uint8_t*, std::size_t) override {}

  /// The last `size` bytes: FlatBuffers builds from the back.
  std::vector<std::byte> take(std::size_t size) {
    std::memmove(bytes_.data(), bytes_.data() + (bytes_.size() - size), size);
    bytes_.resize(size);
    return std::move(bytes_);
  }

 private:
  std::vector<std::byte> bytes_;
};

template <class T, class U>
auto aligned_vector(flatbuffers::FlatBufferBuilder& builder, std::span<const U> values) {
  static_assert(sizeof(T) == sizeof(U));
  builder.PreAlign(values.size_bytes(), kAlignment);
  return builder.CreateVector(reinterpret_cast<const T*>(values.data()), values.size());
}

auto vector_of(flatbuffers::FlatBufferBuilder& builder, const std::vector<std::uint32_t>& values) {
  return builder.CreateVector(values.data(), values.size());
}

std::size_t file_bytes(const GraphTables& graph, const EqualRows& equal, const GraphFacts& facts) {
  const std::size_t words = graph.base_links.size() + graph.upper_rows.size() + graph.upper_offsets.size() +
                            graph.upper_links.size() + equal.rows.size() + equal.offsets.size() + equal.members.size();
  constexpr std::size_t kTable = 4096;  // table, lengths and padding
  const std::size_t cells = facts.cells == nullptr ? 0 : facts.cells->codes.size() + (facts.cells->offsets.size() + facts.cells->rows.size()) * 4;
  return cells + words * sizeof(std::uint32_t) + facts.codes.size() + facts.bit_rows.size() + facts.refined_rows.size() +
         graph.upper_rows.size() * BitCodec::stride_bytes(facts.dim) + 2 * facts.dim * sizeof(float) + kTable;
}

std::vector<std::byte> upper_rows_of(const GraphTables& graph, const GraphFacts& facts) {
  const std::size_t stride = BitCodec::stride_bytes(facts.dim);
  std::vector<std::byte> rows;
  rows.reserve(graph.upper_rows.size() * stride);
  for (const Row row : graph.upper_rows) {
    const auto code = facts.bit_rows.subspan(row * stride, stride);
    rows.insert(rows.end(), code.begin(), code.end());
  }
  return rows;
}

void add_facts(fbs::HnswBuilder& table, const GraphFacts& facts) {
  table.add_format_version(kHnswFormatVersion);
  table.add_dim(facts.dim);
  table.add_distance(static_cast<std::uint8_t>(facts.distance));
  table.add_ef_construction(facts.ef_construction);
  table.add_candidates_for_ten(facts.candidates_for_ten);
  if (facts.codec != nullptr) {
    table.add_code_unit(facts.codec->unit());
    table.add_code_stride(static_cast<std::uint32_t>(Codec::stride_bytes(facts.dim)));
  }
  if (facts.bit_codec != nullptr) {
    table.add_bit_unit(facts.bit_codec->unit());
    table.add_bit_seed(facts.bit_codec->seed());
    table.add_bit_stride(static_cast<std::uint32_t>(BitCodec::stride_bytes(facts.dim)));
    table.add_refined_stride(static_cast<std::uint32_t>(BitCodec::refined_stride_bytes(facts.dim)));
  }
}

}  // namespace

Result<std::vector<std::byte>> encode_graph(const GraphTables& graph, const EqualRows& equal, const GraphFacts& facts) {
  const std::size_t bytes = file_bytes(graph, equal, facts);
  if (bytes > kMaxHnswBytes)
    return fail(ErrorCode::invalid_argument, fmt::format("a graph of {} rows would take {} bytes", graph.rows(), bytes));
  VectorAllocator allocator;
  std::size_t size = 0;
  {
    flatbuffers::FlatBufferBuilder builder(bytes, &allocator);
    flatbuffers::Offset<flatbuffers::Vector<float>> centre = 0, bit_centre = 0;
    flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> codes = 0, bit_rows = 0, upper_bit_rows = 0, refined_rows = 0;
    if (facts.bit_codec != nullptr) {
      if (!facts.refined_rows.empty()) refined_rows = aligned_vector<std::uint8_t>(builder, facts.refined_rows);
      upper_bit_rows = aligned_vector<std::uint8_t>(builder, std::span<const std::byte>(upper_rows_of(graph, facts)));
      bit_rows = aligned_vector<std::uint8_t>(builder, facts.bit_rows);
      bit_centre = builder.CreateVector(facts.bit_codec->centre().data(), facts.bit_codec->centre().size());
    }
    if (facts.codec != nullptr) {
      codes = aligned_vector<std::uint8_t>(builder, facts.codes);
      centre = builder.CreateVector(facts.codec->centre().data(), facts.codec->centre().size());
    }
    flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> cell_codes = 0;
    flatbuffers::Offset<flatbuffers::Vector<std::uint32_t>> cell_offsets = 0, cell_rows = 0;
    if (facts.cells != nullptr && !facts.cells->offsets.empty()) {
      cell_rows = vector_of(builder, facts.cells->rows);
      cell_offsets = vector_of(builder, facts.cells->offsets);
      cell_codes = aligned_vector<std::uint8_t>(builder, std::span<const std::byte>(facts.cells->codes));
    }
    const std::vector<float> unmeasured(facts.recall_points, 0.0F);
    const auto recall_at_ef = builder.CreateVector(unmeasured.data(), unmeasured.size());
    const auto members = vector_of(builder, equal.members);
    const auto group_offsets = vector_of(builder, equal.offsets);
    const auto group_rows = vector_of(builder, equal.rows);
    const auto upper_links = vector_of(builder, graph.upper_links);
    const auto upper_offsets = vector_of(builder, graph.upper_offsets);
    const auto upper_rows = vector_of(builder, graph.upper_rows);
    const auto links = aligned_vector<std::uint32_t>(builder, graph.base_links.span());
    fbs::HnswBuilder table(builder);
    add_facts(table, facts);
    table.add_rows(graph.rows());
    table.add_m(graph.m());
    table.add_top_level(graph.top_level);
    table.add_entry(graph.entry);
    table.add_links(links);
    table.add_upper_rows(upper_rows);
    table.add_upper_offsets(upper_offsets);
    table.add_upper_links(upper_links);
    table.add_group_rows(group_rows);
    table.add_group_offsets(group_offsets);
    table.add_group_members(members);
    table.add_code_centre(centre);
    table.add_codes(codes);
    table.add_bit_centre(bit_centre);
    table.add_bit_rows(bit_rows);
    table.add_recall_at_ef(recall_at_ef);
    table.add_upper_bit_rows(upper_bit_rows);
    table.add_refined_rows(refined_rows);
    table.add_cell_codes(cell_codes);
    table.add_cell_offsets(cell_offsets);
    table.add_cell_rows(cell_rows);
    fbs::FinishHnswBuffer(builder, table.Finish());
    size = builder.GetSize();
  }
  return allocator.take(size);
}

}  // namespace ndb::index
