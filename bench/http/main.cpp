// What HTTP costs, and what becomes of a daemon under more load than it can bear: server CPU of a 768-d search against the same
// search in-process, latency at half load, 10,000 idle connections, four times the load. See bench/README.md.
//
//   ndb_bench_http --folder DIR [--rows N] [--seconds S] [--connections N] [--json] [--reader BINARY] [cost|latency|idle|overload|storm]...
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <random>

#include "bench/engine/support.hpp"
#include "bench/http/bare_server.hpp"
#include "bench/http/support.hpp"
#include "ndb_schema/http_messages_generated.h"

namespace ndb::bench {
namespace {

constexpr std::uint32_t kDim = 768;
constexpr std::size_t kJsonBytes = 9'500;
constexpr const char* kTarget = "/v1/collections/docs/search";

struct Options {
  std::string folder;
  std::uint64_t rows = 20'000;
  double seconds = 10;
  int connections = 1'000;
  bool json = false;
  std::string reader = NDB_READER_BINARY;
  std::vector<std::string> what{"cost", "latency", "idle", "overload", "storm"};
};

std::string json_request(std::uint64_t row, std::string_view more = "") {
  std::string body = "{\"vector\":[";
  for (const float x : clustered_row(row, kDim)) body += fmt::format("{},", x);
  body.back() = ']';
  body.append(more).resize(kJsonBytes - 1, ' ');  // all of one size
  return post(kTarget, "application/json", body + "}");
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

// The same searches in this process.
class InProcess {
 public:
  explicit InProcess(const std::filesystem::path& data)
      : db_(must(Database::open(data, {.read_only = true}))), docs_(must(db_.get_collection("docs"))) {
    for (std::uint64_t i = 0; i < 200; ++i) searches_.emplace_back(clustered_row(i * 37, kDim));
  }
  void search(std::size_t i) const { static_cast<void>(must(docs_.search(searches_[i % searches_.size()]))); }
  /// Microseconds of CPU for one.
  [[nodiscard]] double microseconds(int rounds) const {
    double begun = 0;
    for (int round = -1; round < rounds; ++round) {
      if (round == 0) begun = thread_cpu_seconds();
      for (std::size_t i = 0; i < searches_.size(); ++i) search(i);
    }
    return (thread_cpu_seconds() - begun) * 1e6 / (rounds * 200);
  }

 private:
  Database db_;
  Collection docs_;
  std::vector<Search> searches_;
};

// A bare server that does these searches and answers with as many bytes as ndb-reader.
class BareSearches {
 public:
  BareSearches(const std::filesystem::path& data, std::size_t request_bytes)
      : searches_(data), server_(request_bytes, answer(), [this] { searches_.search(next_++); }, 1) {}
  [[nodiscard]] const BareServer& server() const { return server_; }

 private:
  static std::string answer() {
    const std::string body(700, 'x');
    return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
  }
  InProcess searches_;
  std::size_t next_ = 0;
  BareServer server_;
};

// Microseconds of the server's CPU for one of these requests: `depth` of them at once on each of so many connections.
template <class Server>
double served_us(const Server& daemon, const std::vector<std::string>& all, int rounds, int connections, int depth) {
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
  const Daemon daemon(data, options.reader, {});
  const auto json = requests([](std::uint64_t row) { return json_request(row); });
  const auto flat = requests(flat_request);
  const InProcess in_process(data);
  const BareSearches bare_json(data, json.front().size());
  const BareSearches bare_flat(data, flat.front().size());
  // Short turns, so that what else the machine does hits all alike, and the best of each is one that it did not hit.
  const int turns = std::max(5, static_cast<int>(options.seconds * 5));
  std::vector<double> base, json_one, flat_one, flat_deep, json_many, flat_many, bare_json_one, bare_flat_one, bare_json_many, bare_flat_many;
  for (int turn = 0; turn < turns; ++turn) {
    base.push_back(in_process.microseconds(2));
    json_one.push_back(served_us(daemon, json, 2, 1, 1));
    bare_json_one.push_back(served_us(bare_json.server(), json, 2, 1, 1));
    flat_one.push_back(served_us(daemon, flat, 2, 1, 1));
    bare_flat_one.push_back(served_us(bare_flat.server(), flat, 2, 1, 1));
    flat_deep.push_back(served_us(daemon, flat, 2, 1, 8));
    json_many.push_back(served_us(daemon, json, 2, 64, 1));
    bare_json_many.push_back(served_us(bare_json.server(), json, 2, 64, 1));
    flat_many.push_back(served_us(daemon, flat, 2, 64, 1));
    bare_flat_many.push_back(served_us(bare_flat.server(), flat, 2, 64, 1));
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
  line("bare server, JSON's bytes, one connection", bare_json_one);
  line("bare server, FlatBuffers', one connection", bare_flat_one);
  line("bare server, JSON's, 64 connections", bare_json_many);
  line("bare server, FlatBuffers', 64 connections", bare_flat_many);
}

// Requests at fixed times whatever becomes of the others (so that slow answers do not slow the load), over so many connections, from
// one thread that never sleeps: what a sleeping client takes to wake up is no part of the daemon's latency.
struct Outcome {
  std::vector<double> latencies_ms;  // of what was accepted, from when it was due
  std::uint64_t refused = 0;         // 429 and 503
  std::uint64_t failed = 0;          // anything else
};
Outcome offer(std::uint16_t port, const std::vector<std::string>& all, double per_second, double seconds, int connections) {
  Outcome outcome;
  std::vector<Connection> open;
  for (int i = 0; i < connections; ++i) open.emplace_back(port);
  std::vector<Clock::time_point> due_at(open.size());
  std::deque<std::size_t> free;
  std::vector<std::size_t> busy;
  for (std::size_t i = 0; i < open.size(); ++i) free.push_back(i);
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const auto due = [&](std::uint64_t i) {
    return start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(static_cast<double>(i) / per_second));
  };
  std::uint64_t next = 0;
  for (auto now = start; now < end || !busy.empty(); now = Clock::now()) {
    if (now < end && !free.empty() && now >= due(next)) {
      const std::size_t one = free.front();  // the one that rested longest
      free.pop_front();
      due_at[one] = due(next);
      open[one].send(all[next++ % all.size()]);
      busy.push_back(one);
    }
    for (const std::size_t one : ready(open, busy)) {
      const unsigned status = open[one].receive();
      if (status == 200) outcome.latencies_ms.push_back(milliseconds_since(due_at[one]));
      else if (status == 429 || status == 503) ++outcome.refused;
      else ++outcome.failed;
      std::erase(busy, one);
      free.push_back(one);
    }
  }
  return outcome;
}

// How many it answers a second if so many callers ask again as soon as they are answered. By the same client as above: one that sleeps would
// leave more of a core that both share to the daemon.
double peak(std::uint16_t port, const std::vector<std::string>& all, double seconds, int callers) {
  return static_cast<double>(offer(port, all, 1e9, seconds, callers).latencies_ms.size()) / seconds;
}

// The daemon on one core, the load from the other, in turns of a quarter of a second with the same searches in-process: a virtual machine
// stands still for milliseconds a few times a second, which decides a p99 over everything but not that of the median turn.
void latency(const std::filesystem::path& data, const Options& options) {
  constexpr double kTurn = 0.25;
  pin_to_core(1);
  const Daemon daemon(data, options.reader, {"--http-threads", "1"});
  const auto all = options.json ? requests([](std::uint64_t row) { return json_request(row); }) : requests(flat_request);
  const BareSearches bare(data, all.front().size());
  const InProcess searches(data);
  pin_to_core(0);
  const double rate = peak(daemon.port(), all, 2, 2) / 2;
  const auto in_process = [&] {
    pin_to_core(1);
    std::vector<double> took;
    const auto start = Clock::now();
    for (std::size_t i = 0; i < static_cast<std::size_t>(rate * kTurn); ++i) {
      const auto due = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(static_cast<double>(i) / rate));
      while (Clock::now() < due) {}
      searches.search(i);
      took.push_back(milliseconds_since(due));
    }
    pin_to_core(0);
    return took;
  };
  struct Turns {
    std::vector<double> middle, high;
    void add(const std::vector<double>& latencies) {
      middle.push_back(percentile(latencies, 0.5));
      high.push_back(percentile(latencies, 0.99));
    }
  } served, least, own;
  for (double spent = 0; spent < options.seconds; spent += kTurn) {
    const Outcome half = offer(daemon.port(), all, rate, kTurn, 16);
    if (half.failed + half.refused > 0) fmt::print("{} of {} not answered\n", half.failed + half.refused, half.latencies_ms.size());
    served.add(half.latencies_ms);
    least.add(offer(bare.server().port(), all, rate, kTurn, 16).latencies_ms);
    own.add(in_process());
  }
  fmt::print("half load, {} ({:.0f} a second, one core), median of {} turns, p50 and p99 in ms:\n", options.json ? "JSON" : "FlatBuffers", rate,
             own.high.size());
  const double p50 = percentile(own.middle, 0.5), p99 = percentile(own.high, 0.5);
  const auto line = [&](const char* name, const Turns& turns) {
    fmt::print("  {:<12} {:.3f} {:.3f}   added {:.3f} {:.3f}\n", name, percentile(turns.middle, 0.5), percentile(turns.high, 0.5),
               percentile(turns.middle, 0.5) - p50, percentile(turns.high, 0.5) - p99);
  };
  line("in-process", own);
  line("ndb-reader", served);
  line("bare server", least);
}

void idle(const std::filesystem::path& data, const Options& options) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);  // the daemon inherits it
  const Daemon daemon(data, options.reader, {"--max-connections", "12000", "--idle-timeout-s", "3600"});
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

// One core for the daemon, the other for the load. Quiet and peak are measured before and after, and the mean of both counts; work is
// counted for each second of the daemon's CPU too, as other processes may take some.
void overload(const std::filesystem::path& data, const Options& options) {
  pin_to_core(1);
  const Daemon daemon(data, options.reader, {"--http-threads", "1"});
  pin_to_core(0);
  const auto exact = requests([](std::uint64_t row) { return json_request(row, ",\"approximate\":false"); });
  std::vector<double> quiet;
  double most = 0, most_cpu = 0;
  const auto measure = [&] {
    const double before = daemon.cpu_seconds();
    const double rate = peak(daemon.port(), exact, 3, 2);
    most += rate / 2;
    most_cpu += (daemon.cpu_seconds() - before) / rate / 3 / 2;
    const Outcome half = offer(daemon.port(), exact, rate / 2, 3, 16);
    quiet.insert(quiet.end(), half.latencies_ms.begin(), half.latencies_ms.end());
    return rate;
  };
  const double first = measure();
  const double before = daemon.cpu_seconds();
  const auto begun = Clock::now();
  const Outcome four = offer(daemon.port(), exact, first * 4, options.seconds, options.connections);
  const double took = std::max(options.seconds, milliseconds_since(begun) / 1000);
  const double cpu = daemon.cpu_seconds() - before;
  measure();
  const auto done = static_cast<double>(four.latencies_ms.size());
  fmt::print("overload, exact searches on one core, {:.0f} s at 4 x {:.0f} a second: {:.0f} a second done, {:.0f} % of the peak ({:.0f} % for each CPU second)\n"
             "  quiet p50 {:.2f} p99 {:.2f} ms; accepted p50 {:.2f} p99 {:.2f} ms; done {:.0f}, refused {}, failed {}\n",
             took, first, done / took, 100 * done / took / most, 100 * done / cpu * most_cpu, percentile(quiet, 0.5), percentile(quiet, 0.99),
             percentile(four.latencies_ms, 0.5), percentile(four.latencies_ms, 0.99), done, four.refused, four.failed);
}

// Callers that ask again at once when they are refused.
void storm(const std::filesystem::path& data, const Options& options) {
  constexpr int kCallers = 64;
  pin_to_core(1);
  const Daemon daemon(data, options.reader, {"--http-threads", "1"});
  pin_to_core(0);
  const auto exact = requests([](std::uint64_t row) { return json_request(row, ",\"approximate\":false"); });
  std::vector<double> share;
  double done = 0;
  for (double spent = 0; spent < options.seconds; spent += 4) {
    const double most = peak(daemon.port(), exact, 2, 2);
    const double stormed = peak(daemon.port(), exact, 2, kCallers);
    share.push_back(stormed / most);
    done += stormed;
  }
  fmt::print("{} callers that never pause, exact searches on one core: {:.0f} a second done, {:.0f} % of the peak (median of {} turns, worst {:.0f})\n", kCallers,
             done / static_cast<double>(share.size()), 100 * percentile(share, 0.5), share.size(), 100 * percentile(share, 0));
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
  app.add_option("--reader", options.reader, "Another build of ndb-reader, to compare");
  app.add_option("--connections", options.connections, "In `overload`, from 1");
  app.add_flag("--json", options.json, "JSON instead of FlatBuffers in `latency`");
  app.add_option("what", options.what);
  CLI11_PARSE(app, argc, argv);
  const auto data = make_data(options.folder, options.rows, kDim);
  for (const std::string& one : options.what) {
    if (one == "cost") cost(data, options);
    if (one == "latency") latency(data, options);
    if (one == "idle") idle(data, options);
    if (one == "overload") overload(data, options);
    if (one == "storm") storm(data, options);
  }
  return 0;
}
