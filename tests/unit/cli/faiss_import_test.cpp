#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/VectorTransform.h>
#include <faiss/index_io.h>

#include <cstdlib>
#include <random>

#include "shared/io/vector_reader.hpp"
#include "tests/unit/cli/tool.hpp"

using namespace tool;

namespace {

constexpr int kRows = 2'000, kDim = 24;

std::vector<float> random_vectors(std::uint32_t seed, int rows) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(rows) * kDim);
  for (float& x : values) x = normal(random);
  return values;
}

std::string save(const Tool& tool, const faiss::Index& index) {
  const auto path = tool.file("x.index", "");
  faiss::write_index(&index, path.c_str());
  return path;
}

/// The ids that FAISS finds and those that nDB finds by comparing with every vector must be the same.
void check_searches(const Tool& tool, const faiss::Index& index) {
  constexpr int kQueries = 10, kTop = 10;
  const auto queries = random_vectors(7, kQueries);
  std::vector<float> distances(kQueries * kTop);
  std::vector<std::int64_t> labels(kQueries * kTop);
  index.search(kQueries, queries.data(), kTop, distances.data(), labels.data());
  for (int q = 0; q < kQueries; ++q) {
    std::string vector;
    for (int d = 0; d < kDim; ++d) vector += (d == 0 ? "" : ",") + std::to_string(queries[static_cast<std::size_t>(q * kDim + d)]);
    const auto matches = tool.json({"search", "docs", "--vector", vector, "--exact", "-k", std::to_string(kTop)}).at("matches").as_array();
    REQUIRE(matches.size() == kTop);
    for (int k = 0; k < kTop; ++k) {
      CAPTURE(q, k);
      CHECK(std::string(matches[static_cast<std::size_t>(k)].at("id").as_string()) == std::to_string(labels[static_cast<std::size_t>(q * kTop + k)]));
    }
  }
}

}  // namespace

TEST_CASE("indexes of FAISS come over with their ids, and searches find the same") {
  const auto vectors = random_vectors(1, kRows);
  std::vector<std::int64_t> ids;
  for (int i = 0; i < kRows; ++i) ids.push_back(1'000'000'007LL * (i + 1));
  const auto check = [&](faiss::Index& index, const char* distance) {
    const Tool tool;
    const auto answer = tool.json({"import-faiss", "docs", save(tool, index), "--batch-rows", "300"});
    CHECK(answer.at("rows") == kRows);
    CHECK(tool.json({"stats", "docs"}).at("distance") == distance);
    check_searches(tool, index);
  };
  SECTION("flat, Euclidean and inner product") {
    faiss::IndexFlatL2 l2(kDim);
    l2.add(kRows, vectors.data());
    check(l2, "euclidean");
    faiss::IndexFlatIP ip(kDim);
    ip.add(kRows, vectors.data());
    check(ip, "dot");
  }
  SECTION("ids of a map") {
    faiss::IndexFlatL2 flat(kDim);
    faiss::IndexIDMap map(&flat);
    map.add_with_ids(kRows, vectors.data(), ids.data());
    check(map, "euclidean");
  }
  SECTION("inverted lists, with ids of their own and behind a transformation") {
    faiss::IndexFlatL2 quantizer(kDim);
    faiss::IndexIVFFlat ivf(&quantizer, kDim, 16);
    ivf.train(kRows, vectors.data());
    ivf.nprobe = 16;
    ivf.add_with_ids(kRows, vectors.data(), ids.data());
    check(ivf, "euclidean");
  }
  SECTION("HNSW over flat") {
    faiss::IndexHNSWFlat hnsw(kDim, 32);
    hnsw.hnsw.efSearch = 512;
    hnsw.add(kRows, vectors.data());
    check(hnsw, "euclidean");
  }
}

TEST_CASE("a rotated index gives back its vectors as they were") {
  const Tool tool;
  const auto vectors = random_vectors(1, 100);
  faiss::IndexFlatL2 flat(kDim);
  faiss::RandomRotationMatrix rotation(kDim, kDim);
  rotation.init(3);
  faiss::IndexPreTransform index(&rotation, &flat);
  index.add(100, vectors.data());
  tool.ok({"import-faiss", "docs", save(tool, index), "--id-prefix", "v"});
  const auto vector = tool.json({"get", "docs", "v42"}).at("documents").at(0).at("vector").as_array();
  for (std::size_t d = 0; d < kDim; ++d) CHECK(vector[d].to_number<float>() == Approx(vectors[42 * kDim + d]).margin(1e-4));
}

TEST_CASE("what is no index is refused") {
  const Tool tool;
  CHECK(tool({"import-faiss", "docs", tool.file("x", "no index")}).code == 1);
  CHECK(tool({"import-faiss", "docs", "/nonexistent.index"}).code == 1);
  CHECK(tool({"import-faiss", "docs"}).code == 2);
}

TEST_CASE("MNIST out of FAISS: searches find exactly what FAISS finds") {
  const char* const data = std::getenv("NDB_TEST_DATA");
  const std::filesystem::path folder = std::filesystem::path(data == nullptr ? "" : data) / "mnist-784";
  if (data == nullptr || !std::filesystem::exists(folder / "base.npy")) {
    WARN("skipped: NDB_TEST_DATA names no folder with mnist-784");
    return;
  }
  const auto read = [&](const char* name) {
    auto reader = ndb::io::VectorReader::open(folder / name);
    REQUIRE(reader);
    ndb::io::Batch batch;
    std::vector<float> values;
    for (auto more = (*reader)->next(batch, 4096); more && *more; more = (*reader)->next(batch, 4096)) values.insert(values.end(), batch.values.begin(), batch.values.end());
    return values;
  };
  constexpr std::size_t kPixels = 784, kTop = 10, kQueries = 20;
  const auto base = read("base.npy"), queries = read("query.npy");
  faiss::IndexFlatL2 index(kPixels);
  index.add(static_cast<std::int64_t>(base.size() / kPixels), base.data());
  const Tool tool;
  CHECK(tool.json({"import-faiss", "docs", save(tool, index)}).at("rows") == base.size() / kPixels);
  std::vector<float> distances(kQueries * kTop);
  std::vector<std::int64_t> labels(kQueries * kTop);
  index.search(kQueries, queries.data(), kTop, distances.data(), labels.data());
  for (std::size_t q = 0; q < kQueries; ++q) {
    const auto matches = tool.json({"search", "docs", "--vector-file", (folder / "query.npy").string(), "--row", std::to_string(q), "--exact"}).at("matches").as_array();
    REQUIRE(matches.size() == kTop);
    for (std::size_t k = 0; k < kTop; ++k) {
      CAPTURE(q, k);
      CHECK(std::string(matches[k].at("id").as_string()) == std::to_string(labels[q * kTop + k]));
    }
  }
}
