// The C++ side of cost.py: the same calls on the same files, timed one by one. Prints microseconds.
//   embedded_cost scores FOLDER QUERIES DIM     as search, without payloads
//   embedded_cost search FOLDER QUERIES DIM     median of one search for each query (float32, one after the other), top 10
//   embedded_cost insert FOLDER VECTORS DIM     one insert_batch of all vectors into a new collection
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "ndb/ndb.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double microseconds(Clock::duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<float> values(static_cast<std::size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

double median(std::vector<double>& values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

// Prints, too, what the engine says that it took.
double search(const ndb::Collection& docs, const std::vector<float>& queries, std::size_t dim, bool with_payload) {
  std::vector<double> times;
  std::vector<double> inside;
  for (std::size_t at = 0; at + dim <= queries.size(); at += dim) {
    const auto start = Clock::now();
    const auto result = docs.search(ndb::Search(std::span(queries).subspan(at, dim)).with_payload(with_payload));
    times.push_back(microseconds(Clock::now() - start));
    if (!result || result->size() != 10) return -1;
    inside.push_back(static_cast<double>(result->took_us));
  }
  std::cout << median(times) << ' ';
  return median(inside);
}

double insert(ndb::Collection docs, const std::vector<float>& vectors, std::size_t dim) {
  std::vector<std::string> ids(vectors.size() / dim);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = std::to_string(i);
  const auto start = Clock::now();
  std::vector<ndb::DocumentView> documents;
  documents.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) documents.push_back({.id = ids[i], .vector = std::span(vectors).subspan(i * dim, dim)});
  const auto written = docs.insert_batch(std::span<const ndb::DocumentView>(documents));
  return written ? microseconds(Clock::now() - start) : -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string what = argv[1];
  const auto values = read_floats(argv[3]);
  const auto dim = static_cast<std::uint32_t>(std::stoul(argv[4]));
  auto db = ndb::Database::open(argv[2], {.read_only = what != "insert"});
  if (!db) return 1;
  auto docs = what != "insert" ? db->get_collection("docs") : db->create_collection("docs", {.dim = dim});
  if (!docs) return 1;
  const double time = what != "insert" ? search(*docs, values, dim, what == "search") : insert(*docs, values, dim);
  std::cout << time << '\n';
  return time < 0 ? 1 : 0;
}
