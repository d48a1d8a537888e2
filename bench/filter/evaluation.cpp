// What it takes to write the attribute index of many rows, and to evaluate filters by it, without any search.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>

#include "shared/attributes/attribute_writer.hpp"
#include "shared/attributes/filter_rows.hpp"
#include "shared/payload/payload.hpp"

namespace {

using namespace ndb;
using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

template <class T>
T must_have(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

// {"kind": one of 10, "source": one of 1,000, "price": any of a million, "tags": two of 50}
std::vector<std::byte> payload_of(Row row) {
  const std::uint64_t mixed = (row + 1) * 0x9E3779B97F4A7C15ULL;
  return must_have(payload::encode(fmt::format(R"({{"kind":"k{}","source":"s{}","price":{},"tags":["t{}","t{}"]}})", (mixed >> 60) % 10,
                                              (mixed >> 40) % 1'000, (mixed >> 20) % 1'000'000, (mixed >> 13) % 50, (mixed >> 7) % 50)));
}

void run(Row rows, const std::filesystem::path& path) {
  std::vector<std::vector<std::byte>> payloads;
  for (Row row = 0; row < rows; ++row) payloads.push_back(payload_of(row));
  const auto source = [&](Row row) -> Result<base::ByteSpan> { return base::ByteSpan(payloads[row]); };
  auto start = Clock::now();
  const auto ref = must_have(attributes::write_attributes(fs::posix_file_system(), path, SegmentId{1}, rows, source)).value();
  fmt::print("{} rows indexed in {:.0f} ms, {:.1f} bytes a row\n", rows, milliseconds_since(start),
             static_cast<double>(ref.bytes) / static_cast<double>(rows));
  auto file = must_have(format::SectionFile::open(fs::posix_file_system(), path, format::FileKind::attributes, SegmentId{1}, &ref));
  const auto index = must_have(attributes::AttributesView::open(std::move(file), rows));
  using F = Filter;
  for (const auto& filter : {F::eq("kind", "k3"), F::eq("source", "s77"), F::lt("price", 10'000), F::lt("price", 500'000),
                             F::gte("price", 300'000) && F::lt("price", 600'000), F::eq("kind", "k3") && F::lt("price", 500'000),
                             F::in_("source", {"s1", "s2", "s3", "s500"}), F::eq("tags", "t7"), !F::eq("kind", "k3"),
                             F::eq("kind", "k3") || F::eq("tags", "t7")}) {
    const filter::CompiledFilter compiled(filter);
    double first = 0.0, best = 1e9;
    Row count = 0;
    for (int i = 0; i < 21; ++i) {
      start = Clock::now();
      count = attributes::FilterRows(compiled, index.get(), rows, [&](Row row) { return base::ByteSpan(payloads[row]); }).evaluate().count();
      const double took = milliseconds_since(start);
      if (i == 0) first = took;
      best = std::min(best, took);
    }
    start = Clock::now();
    Row scanned = 0;
    for (Row row = 0; row < rows; ++row) scanned += compiled.matches(payloads[row]) ? 1U : 0U;
    const double scan = milliseconds_since(start);
    if (scanned != count) throw std::runtime_error("the index gives other rows than the payloads: " + filter.to_json());
    fmt::print("{:>8} rows  {:8.4f} ms, the first time {:8.4f} ms, by payloads {:6.0f} ms  {}\n", count, best, first, scan, filter.to_json());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Row rows = argc > 1 ? static_cast<Row>(std::stoul(argv[1])) : 1'000'000;
  const auto path = std::filesystem::temp_directory_path() / fmt::format("ndb-bench-attributes-{}", ::getpid());
  int code = 0;
  try {
    run(rows, path);
  } catch (const std::exception& error) {
    fmt::print(stderr, "ndb_bench_filter_evaluation: {}\n", error.what());
    code = 1;
  }
  std::filesystem::remove(path);
  return code;
}
