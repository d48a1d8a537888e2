// What HTTP costs, and what becomes of a daemon under more load than it can bear: server CPU of a 768-d search against the same
// search in-process, latency at half load, 10,000 idle connections, four times the load. See bench/README.md.
//
//   ndb_bench_http --folder DIR [--rows N] [--seconds S] [cost|latency|idle|overload]...
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "bench/engine/support.hpp"
#include "bench/http/support.hpp"
#include "ndb_schema/http_messages_generated.h"

namespace ndb::bench {
namespace {

constexpr std::uint32_t kDim = 768;
constexpr const char* kTarget = "/v1/collections/docs/search";

struct Options {
  std::string folder;
  std::uint64_t rows = 20'000;
  double seconds = 10;
  std::vector<std::string> what{"cost", "latency", "idle", "overload"};
};

std::string json_request(std::uint64_t row, std::string_view more = "") {
  std::string body = "{\"vector\":[";
  for (const float x : clustered_row(row, kDim)) body += fmt::format("{},", x);
  body.back() = ']';
  return post(kTarget, "application/json", body + std::string(more) + "}");
}

std::string flat_request(std::uint64_t row) {
  flatbuffers::FlatBufferBuilder builder;
  const auto query = clustered_row(row, kDim);
  const auto vector = builder.CreateVector(query.data(), query.size());
  http::fbs::SearchRequestBuilder request(builder);
  request.add_vector(vector);
  builder.Finish(request.Finish());
  return post(kTarget, "application/vnd.ndb.flatbuffers",
              {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()});
}

template <class Make>
std::vector<std::string> requests(Make make) {
  std::vector<std::string> all;
  for (std::uint64_t i = 0; i < 200; ++i) all.push_back(make(i * 37));
  return all;
}

// Microseconds of CPU that the same searches take in this process.
double in_process_us(const std::filesystem::path& data, int rounds) {
  const auto db = must(Database::open(data, {.read_only = true}));
  const auto docs = must(db.get_collection("docs"));
  std::vector<Search> searches;
  for (std::uint64_t i = 0; i < 200; ++i) searches.emplace_back(clustered_row(i * 37, kDim));
  double begun = 0;
  for (int round = -1; round < rounds; ++round) {
    if (round == 0) begun = thread_cpu_seconds();
    for (const Search& search : searches) static_cast<void>(must(docs.search(search)));
  }
  return (thread_cpu_seconds() - begun) * 1e6 / (rounds * 200);
}

// Microseconds of the daemon's CPU for one of these requests: `depth` of them at once on each of so many connections.
double served_us(const Daemon& daemon, const std::vector<std::string>& all, int rounds, int connections, int depth) {
  std::vector<Connection> open;
  for (int i = 0; i < connections; ++i) open.emplace_back(daemon.port());
  double begun = 0;
  std::uint64_t served = 0;
  for (int round = -1; round < rounds; ++round) {
    if (round == 0) begun = daemon.cpu_seconds();
    for (std::size_t i = 0; i < all.size(); i += static_cast<std::size_t>(connections * depth)) {
      for (auto& connection : open) {
        std::string batch;
        for (int d = 0; d < depth; ++d) batch += all[(i + static_cast<std::size_t>(d)) % all.size()];
        connection.send(batch);
      }
      for (auto& connection : open)
        for (int d = 0; d < depth; ++d) {
          const unsigned status = connection.receive();
          if (status != 200) fmt::print("status {}\n", status), std::exit(1);
          if (round >= 0) ++served;
        }
    }
  }
  return (daemon.cpu_seconds() - begun) * 1e6 / static_cast<double>(served);
}

void cost(const std::filesystem::path& data, const Options& options) {
  const Daemon daemon(data, {});
  const auto json = requests([](std::uint64_t row) { return json_request(row); });
  const auto flat = requests(flat_request);
  // Short turns, so that what else the machine does hits all alike, and the best of each is one that it did not hit.
  const int turns = std::max(5, static_cast<int>(options.seconds * 5));
  std::vector<double> base, json_one, flat_one, flat_deep, json_many, flat_many;
  for (int turn = 0; turn < turns; ++turn) {
    base.push_back(in_process_us(data, 2));
    json_one.push_back(served_us(daemon, json, 2, 1, 1));
    flat_one.push_back(served_us(daemon, flat, 2, 1, 1));
    flat_deep.push_back(served_us(daemon, flat, 2, 1, 8));
    json_many.push_back(served_us(daemon, json, 2, 64, 1));
    flat_many.push_back(served_us(daemon, flat, 2, 64, 1));
  }
  fmt::print("a search of {} dimensions over {} rows, CPU us, best and median of {} turns: in-process {:.1f} {:.1f}\n", kDim, options.rows, turns,
             percentile(base, 0), percentile(base, 0.5));
  const auto line = [&](const char* name, const std::vector<double>& v) {
    fmt::print("  {:<42} {:7.1f} {:7.1f}   added {:6.1f} {:6.1f}\n", name, percentile(v, 0), percentile(v, 0.5),
               percentile(v, 0) - percentile(base, 0), percentile(v, 0.5) - percentile(base, 0.5));
  };
  line("JSON, one connection", json_one);
  line("FlatBuffers, one connection", flat_one);
  line("FlatBuffers, one connection, 8 pipelined", flat_deep);
  line("JSON, 64 connections at once", json_many);
  line("FlatBuffers, 64 connections at once", flat_many);
}

// Requests at fixed times whatever becomes of the others (so that slow answers do not slow the load), over enough connections.
struct Outcome {
  std::vector<double> latencies_ms;  // of what was accepted, from when it was due
  std::uint64_t refused = 0;         // 429 and 503
  std::uint64_t failed = 0;          // anything else
};
Outcome offer(std::uint16_t port, const std::vector<std::string>& all, double per_second, double seconds, int connections) {
  Outcome outcome;
  std::mutex mutex;
  std::atomic<std::uint64_t> next{0};
  const auto start = Clock::now() + std::chrono::milliseconds(50);
  const auto total = static_cast<std::uint64_t>(per_second * seconds);
  const auto work = [&] {
    Connection connection(port);
    Outcome own;
    for (std::uint64_t i = 0; (i = next.fetch_add(1)) < total;) {
      const auto due = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(static_cast<double>(i) / per_second));
      std::this_thread::sleep_until(due);
      connection.send(all[i % all.size()]);
      const unsigned status = connection.receive();
      if (status == 200) own.latencies_ms.push_back(milliseconds_since(due));
      else if (status == 429 || status == 503) ++own.refused;
      else ++own.failed;
    }
    const std::lock_guard lock(mutex);
    outcome.latencies_ms.insert(outcome.latencies_ms.end(), own.latencies_ms.begin(), own.latencies_ms.end());
    outcome.refused += own.refused;
    outcome.failed += own.failed;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  return outcome;
}

// What the daemon can do at most: as many at once as it has slots, one after another.
double peak(std::uint16_t port, const std::vector<std::string>& all, double seconds, int connections) {
  std::atomic<std::uint64_t> done{0};
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<std::thread> threads;
  for (int c = 0; c < connections; ++c)
    threads.emplace_back([&, c] {
      Connection connection(port);
      for (std::size_t i = static_cast<std::size_t>(c); Clock::now() < end; ++i) {
        connection.send(all[i % all.size()]);
        if (connection.receive() == 200) done.fetch_add(1);
      }
    });
  for (auto& thread : threads) thread.join();
  return static_cast<double>(done.load()) / seconds;
}

void latency(const std::filesystem::path& data, const Options& options) {
  const Daemon daemon(data, {"--http-threads", "1"});
  const auto flat = requests(flat_request);
  const double most = peak(daemon.port(), flat, 2, 1);
  const Outcome half = offer(daemon.port(), flat, most / 2, options.seconds, 16);
  const auto db = must(Database::open(data, {.read_only = true}));
  const auto docs = must(db.get_collection("docs"));
  std::vector<double> own;
  const auto start = Clock::now();
  for (std::size_t i = 0; i < half.latencies_ms.size(); ++i) {
    const auto due = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(static_cast<double>(i) / (most / 2)));
    std::this_thread::sleep_until(due);
    const Search search(clustered_row((i % 200) * 37, kDim));
    const auto begun = Clock::now();
    static_cast<void>(must(docs.search(search)));
    own.push_back(milliseconds_since(begun));
  }
  fmt::print("half load ({:.0f} of {:.0f} a second, one slot): p50 {:.3f} ms p99 {:.3f} ms; in-process p50 {:.3f} p99 {:.3f}\n", most / 2, most,
             percentile(half.latencies_ms, 0.5), percentile(half.latencies_ms, 0.99), percentile(own, 0.5), percentile(own, 0.99));
}

void idle(const std::filesystem::path& data) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);  // the daemon inherits it
  const Daemon daemon(data, {"--max-connections", "12000", "--idle-timeout-s", "3600"});
  const std::string hello = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
  Connection first(daemon.port());
  first.send(hello);
  static_cast<void>(first.receive());
  const double before = daemon.private_mib();
  std::vector<Connection> open;
  for (int i = 0; i < 10'000; ++i) {
    open.emplace_back(daemon.port());
    open.back().send(hello);
    if (open.back().receive() != 200) fmt::print("connection {} is not served\n", i), std::exit(1);
  }
  fmt::print("10,000 idle connections, each of which was served once: {:.1f} MiB more than one ({:.1f} in all)\n",
             daemon.private_mib() - before, daemon.private_mib());
}

// What the machine gives this moment is what four times that is offered of the next, and work is counted for each second of the
// daemon's CPU: other processes take turns from the peak and from the overload alike.
void overload(const std::filesystem::path& data, const Options& options) {
  pin_to_core(1);  // the daemon on one core, the load from another
  const Daemon daemon(data, {"--http-threads", "1"});
  pin_to_core(0);
  const auto exact = requests([](std::uint64_t row) { return json_request(row, ",\"approximate\":false"); });
  std::vector<double> share, quiet, accepted;
  std::uint64_t done = 0, refused = 0, failed = 0;
  for (double spent = 0; spent < options.seconds; spent += 5) {
    const double before = daemon.cpu_seconds();
    const double most = peak(daemon.port(), exact, 1, 1);
    const double middle = daemon.cpu_seconds();
    const Outcome four = offer(daemon.port(), exact, most * 4, 3, 64);
    const double after = daemon.cpu_seconds();
    const Outcome half = offer(daemon.port(), exact, most / 2, 1, 16);
    share.push_back((static_cast<double>(four.latencies_ms.size()) / (after - middle)) / (most / (middle - before)));
    quiet.insert(quiet.end(), half.latencies_ms.begin(), half.latencies_ms.end());
    accepted.insert(accepted.end(), four.latencies_ms.begin(), four.latencies_ms.end());
    done += four.latencies_ms.size();
    refused += four.refused;
    failed += four.failed;
  }
  fmt::print("overload, exact searches on one core, {} turns of 3 s at 4 x: done for each CPU second, against the peak: median {:.0f} % (worst {:.0f})\n"
             "  quiet p50 {:.2f} p99 {:.2f} ms; accepted p50 {:.2f} p99 {:.2f} ms; done {}, refused {}, failed {}\n",
             share.size(), 100 * percentile(share, 0.5), 100 * percentile(share, 0), percentile(quiet, 0.5), percentile(quiet, 0.99),
             percentile(accepted, 0.5), percentile(accepted, 0.99), done, refused, failed);
}

}  // namespace
}  // namespace ndb::bench

int main(int argc, char** argv) {
  using namespace ndb::bench;
  CLI::App app("What HTTP costs, and what overload does");
  Options options;
  app.add_option("--folder", options.folder, "Where the data set is kept")->required();
  app.add_option("--rows", options.rows);
  app.add_option("--seconds", options.seconds, "Of each measurement");
  app.add_option("what", options.what);
  CLI11_PARSE(app, argc, argv);
  const auto data = make_data(options.folder, options.rows, kDim);
  for (const std::string& one : options.what) {
    if (one == "cost") cost(data, options);
    if (one == "latency") latency(data, options);
    if (one == "idle") idle(data);
    if (one == "overload") overload(data, options);
  }
  return 0;
}
