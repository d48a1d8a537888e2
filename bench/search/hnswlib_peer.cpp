#include "bench/search/hnswlib_peer.hpp"

#include <hnswlib/hnswlib.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <thread>

namespace ndb::bench {

struct HnswlibPeer::Impl {
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph;
};

namespace {

std::vector<float> normalized(const Matrix& base) {
  std::vector<float> values = base.values;
  for (std::size_t row = 0; row < base.rows; ++row) {
    double sum = 0.0;
    for (std::size_t i = 0; i < base.dim; ++i) sum += double(base.row(row)[i]) * base.row(row)[i];
    for (std::size_t i = 0; i < base.dim; ++i) values[row * base.dim + i] = float(base.row(row)[i] / std::sqrt(sum));
  }
  return values;
}

}  // namespace

HnswlibPeer::HnswlibPeer(const Matrix& base, Distance distance, std::uint32_t m, std::uint32_t ef_construction,
                         unsigned threads, const std::string& cache_file)
    : impl_(std::make_unique<Impl>()) {
  if (distance == Distance::euclidean) impl_->space = std::make_unique<hnswlib::L2Space>(base.dim);
  else impl_->space = std::make_unique<hnswlib::InnerProductSpace>(base.dim);
  if (!cache_file.empty() && std::filesystem::exists(cache_file)) {
    impl_->graph = std::make_unique<hnswlib::HierarchicalNSW<float>>(impl_->space.get(), cache_file);
    return;
  }
  const std::vector<float> values = distance == Distance::cosine ? normalized(base) : base.values;
  const auto start = std::chrono::steady_clock::now();
  impl_->graph = std::make_unique<hnswlib::HierarchicalNSW<float>>(impl_->space.get(), base.rows, m, ef_construction);
  std::atomic<std::size_t> next = 1;
  impl_->graph->addPoint(values.data(), 0);
  std::vector<std::jthread> workers;
  for (unsigned i = 0; i < threads; ++i)
    workers.emplace_back([&] {
      for (std::size_t row = next++; row < base.rows; row = next++) impl_->graph->addPoint(values.data() + row * base.dim, row);
    });
  workers.clear();
  build_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!cache_file.empty()) impl_->graph->saveIndex(cache_file);
}

HnswlibPeer::~HnswlibPeer() = default;

void HnswlibPeer::search(const float* query, std::uint32_t k, std::uint32_t ef, std::vector<std::uint32_t>& rows) {
  impl_->graph->setEf(ef);
  auto found = impl_->graph->searchKnn(query, k);
  rows.clear();
  for (; !found.empty(); found.pop()) rows.push_back(std::uint32_t(found.top().second));
}

}  // namespace ndb::bench
