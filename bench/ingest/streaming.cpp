// Does a steady stream of inserts make searches in another process slower or worse? One process inserts at a fixed rate, another searches at a
// fixed rate, first beside a quiet collection, then beside the stream; afterwards every answer is compared with the truth at its sequence number.
// As the machine may be faster or slower by the minute, each search is followed by the same one of a copy that stays quiet, half a step later.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "bench/engine/support.hpp"
#include "bench/ingest/time_plot.hpp"
#include "bench/search/data_set.hpp"
#include "shared/base/low_priority.hpp"
#include "shared/io/vector_reader.hpp"
#include "shared/simd/kernels.hpp"

extern char** environ;

namespace {

using namespace ndb;
using namespace ndb::bench;

struct StreamOptions {
  std::string data, folder, plot, role;
  std::string distance = "cosine";
  std::uint64_t base = 200'000;
  std::uint32_t rate = 1'000, search_rate = 200, ef = 64, threads = 0;
  double quiet_seconds = 60, seconds = 300;
  std::uint32_t queries = 200;
  double start = 0;  // of the run, on the monotonic clock that processes share
};

constexpr std::uint32_t kTopK = 10;

double now() { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); }
void wait_until(double time) { std::this_thread::sleep_until(Clock::time_point(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(time)))); }

std::filesystem::path live_folder(const StreamOptions& options) { return std::filesystem::path(options.folder) / "live"; }
std::filesystem::path base_folder(const StreamOptions& options) {
  return std::filesystem::path(options.folder) / fmt::format("base-{}", options.base);
}

std::unique_ptr<io::VectorReader> rows_of(const StreamOptions& options, const char* name) {
  return must(io::VectorReader::open(std::filesystem::path(options.data) / name));
}

std::vector<Document> documents_of(const io::Batch& batch, std::uint64_t skip = 0) {
  std::vector<Document> documents;
  for (std::size_t i = skip; i < batch.size(); ++i) {
    const auto vector = batch.vector(i);
    documents.push_back({.id = std::to_string(batch.first_row + i), .vector = {vector.begin(), vector.end()}, .payload = "{}"});
  }
  return documents;
}

void drop_from_page_cache(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 || ::fsync(file) != 0) std::exit(1);
  ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  ::close(file);
}

// Row i has the sequence number i + 1: inserted in order, each once.
void prepare(const StreamOptions& options) {
  const auto folder = base_folder(options);
  if (!std::filesystem::exists(folder / "done")) {
    std::filesystem::remove_all(folder);
    DatabaseOptions database;
    database.index_min_rows = 2'000'000'000;  // one segment, indexed once
    auto db = must(Database::open(folder, database));
    const auto reader = rows_of(options, "base.npy");
    auto docs = must(db.create_collection("docs", {.dim = reader->dim(), .distance = *distance_from_name(options.distance)}));
    io::Batch batch;
    for (std::uint64_t rows = 0; rows < options.base; rows += batch.size()) {
      must(reader->next(batch, std::min<std::uint64_t>(1'000, options.base - rows)));
      must(docs.insert_batch(documents_of(batch)));
    }
    must(docs.compact());
    must(docs.rebuild_index());
    if (!db.close()) std::exit(1);
    std::ofstream(folder / "done") << "ok\n";
  }
  std::filesystem::remove_all(live_folder(options));
  std::filesystem::copy(folder, live_folder(options), std::filesystem::copy_options::recursive);
  // A copy stands in the page cache as it was written, in small pieces, which huge pages cannot be made of; what the writer writes does not.
  for (const auto& file : std::filesystem::recursive_directory_iterator(live_folder(options))) drop_from_page_cache(file.path());
}

// "w,<seconds>,<rows>,<segments>,<unindexed rows>,<memtable rows>,<longest insert ms>" once a second
int ingest(const StreamOptions& options) {
  const auto reader = rows_of(options, "base.npy");
  io::Batch batch;
  for (std::uint64_t row = 0; row < options.base; row += batch.size())
    must(reader->next(batch, std::min<std::uint64_t>(5'000, options.base - row)));
  DatabaseOptions database;
  database.index_threads = options.threads;
  const auto db = must(Database::open(live_folder(options), database));
  auto docs = must(db.get_collection("docs"));
  const std::uint32_t at_once = std::max(1U, options.rate / 100);
  const double begin = options.start + options.quiet_seconds;
  const double end = begin + options.seconds;
  double longest = 0, next_report = begin + 1;
  std::uint64_t rows = options.base;
  for (std::uint64_t step = 0;; ++step) {
    const double due = begin + static_cast<double>(step) * at_once / options.rate;
    if (due >= end) break;
    wait_until(due);
    if (!must(reader->next(batch, at_once))) break;
    const auto documents = documents_of(batch);
    const auto before = Clock::now();
    must(docs.insert_batch(documents));
    longest = std::max(longest, milliseconds_since(before));
    rows += documents.size();
    if (due < next_report) continue;
    const auto stats = must(docs.stats());
    fmt::print("w,{:.2f},{},{},{},{},{:.2f}\n", now() - options.start, rows, stats.segments.size(), stats.index.unindexed_rows,
               stats.memtable_documents, longest);
    longest = 0;
    next_report += 1;
  }
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  fmt::print("e,{:.1f},{}\n", static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec), used.ru_maxrss / 1024);
  std::fflush(stdout);
  ::_exit(0);  // what is still being merged does not matter any more
}

struct Timed {
  SearchResult result;
  double took, cpu;  // ms
};

Timed timed_search(const Collection& docs, std::span<const float> query, std::uint32_t ef) {
  const double cpu_before = thread_cpu_seconds();
  const auto before = Clock::now();
  auto result = must(docs.search(Search{query}.top_k(kTopK).ef(ef).with_payload(false)));
  const double took = milliseconds_since(before);
  return {std::move(result), took, 1e3 * (thread_cpu_seconds() - cpu_before)};
}

// "s,<seconds>,<search ms>,<of that on the CPU>,<ms after it was due>,<seq>,<query>,<id>…"; of the copy that stays quiet "c,<seconds>,<search ms>"
int search(const StreamOptions& options) {
  base::ask_for_short_turns_of_this_thread();  // as ndb-reader's threads do
  const auto reader = rows_of(options, "query.npy");
  io::Batch queries;
  must(reader->next(queries, options.queries));
  const auto db = must(Database::open(live_folder(options), {.read_only = true}));
  const auto docs = must(db.get_collection("docs"));
  const auto quiet_db = must(Database::open(base_folder(options), {.read_only = true}));
  const auto quiet_docs = must(quiet_db.get_collection("docs"));
  std::string lines;
  const double end = options.start + options.quiet_seconds + options.seconds;
  for (std::uint64_t step = 0;; ++step) {
    const double due = options.start + static_cast<double>(step) / options.search_rate;
    if (due >= end) break;
    wait_until(due);
    const auto query = step % queries.size();
    const auto [result, took, cpu] = timed_search(docs, queries.vector(query), options.ef);
    lines += fmt::format("s,{:.3f},{:.4f},{:.4f},{:.4f},{},{}", due - options.start, took, cpu, (now() - due) * 1e3, result.seq.value, query);
    for (const auto& match : result) lines += "," + match.id;
    wait_until(due + 0.5 / options.search_rate);
    lines += fmt::format("\nc,{:.3f},{:.4f}\n", due - options.start, timed_search(quiet_docs, queries.vector(query), options.ef).took);
  }
  std::fwrite(lines.data(), 1, lines.size(), stdout);
  return 0;
}

pid_t spawn(const StreamOptions& options, const std::string& role, int argc, char** argv, const std::string& output) {
  std::vector<std::string> words(argv, argv + argc);
  words.insert(words.end(), {"--role", role, "--start", fmt::format("{:.6f}", options.start)});
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  pid_t pid = -1;
  if (::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, arguments.data(), environ) != 0) std::exit(1);
  ::posix_spawn_file_actions_destroy(&actions);
  return pid;
}

struct Answer {
  double seconds, took, cpu, late;
  std::uint64_t seq;
  std::uint32_t query;
  std::vector<std::uint64_t> ids;
  double recall = 0;
};

std::vector<std::vector<std::string>> lines_of(const std::string& file, const std::string& kind) {
  std::vector<std::vector<std::string>> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(kind)) continue;
    auto& words = lines.emplace_back();
    for (std::size_t at = 0; at <= line.size();) {
      const auto comma = std::min(line.find(',', at), line.size());
      words.push_back(line.substr(at, comma - at));
      at = comma + 1;
    }
  }
  return lines;
}

// The rows are read once; each query keeps its best so far, and an answer is judged when as many rows have passed as it had seen.
void judge(const StreamOptions& options, std::vector<Answer>& answers) {
  const auto query_reader = rows_of(options, "query.npy");
  io::Batch queries, batch;
  must(query_reader->next(queries, options.queries));
  std::vector<Answer*> order;
  for (auto& answer : answers) order.push_back(&answer);
  std::ranges::stable_sort(order, {}, [](const Answer* answer) { return answer->seq; });
  std::vector<std::multimap<float, std::uint64_t>> best(queries.size());
  const auto reader = rows_of(options, "base.npy");
  const bool euclidean = options.distance == "euclidean";
  const auto& kernels = simd::kernels();
  auto next = order.begin();
  for (std::uint64_t row = 0; next != order.end(); row += batch.size()) {
    const bool more = must(reader->next(batch, 1));
    if (!more) break;
    const auto vector = batch.vector(0);
    const float length = std::sqrt(kernels.dot(vector.data(), vector.data(), vector.size()));
    for (std::size_t q = 0; q < queries.size(); ++q) {
      const float* const query = queries.vector(q).data();
      const float key = euclidean ? kernels.l2(query, vector.data(), vector.size()) : -kernels.dot(query, vector.data(), vector.size()) / length;
      auto& kept = best[q];
      if (kept.size() == kTopK && key >= std::prev(kept.end())->first) continue;
      kept.emplace(key, row);
      if (kept.size() > kTopK) kept.erase(std::prev(kept.end()));
    }
    for (; next != order.end() && (*next)->seq == row + 1; ++next) {
      std::uint32_t found = 0;
      for (const auto& [key, id] : best[(*next)->query]) found += std::ranges::count((*next)->ids, id) > 0 ? 1U : 0U;
      (*next)->recall = static_cast<double>(found) / kTopK;
    }
  }
}

struct Phase {
  std::vector<double> took, cpu, late;
  double recall = 0;
  void add(const Answer& answer) {
    took.push_back(answer.took);
    cpu.push_back(answer.cpu);
    late.push_back(answer.late);
    recall += answer.recall;
  }
  [[nodiscard]] double mean_recall() const { return recall / static_cast<double>(std::max<std::size_t>(1, took.size())); }
};

void report(const StreamOptions& options, const std::vector<Answer>& answers, const std::vector<std::vector<std::string>>& copy,
            const std::vector<std::vector<std::string>>& writes) {
  constexpr double kWindow = 5;
  Phase quiet, stream;
  std::map<int, Phase> windows;
  for (const auto& answer : answers) {
    if (answer.seconds < 5) continue;  // the first searches touch the pages
    (answer.seconds < options.quiet_seconds ? quiet : stream).add(answer);
    windows[static_cast<int>(answer.seconds / kWindow)].add(answer);
  }
  fmt::print("phase,searches,p50_ms,p99_ms,p50_cpu_ms,p50_after_due_ms,p99_after_due_ms,recall\n");
  for (const auto& [name, phase] : {std::pair("quiet", &quiet), std::pair("stream", &stream)})
    fmt::print("{},{},{:.3f},{:.3f},{:.3f},{:.3f},{:.3f},{:.4f}\n", name, phase->took.size(), percentile(phase->took, .5), percentile(phase->took, .99),
               percentile(phase->cpu, .5), percentile(phase->late, .5), percentile(phase->late, .99), phase->mean_recall());
  std::vector<double> copy_took;  // beside the stream
  for (const auto& words : copy)
    if (std::stod(words[1]) >= options.quiet_seconds) copy_took.push_back(std::stod(words[2]));
  fmt::print("quiet copy,{},{:.3f},{:.3f}\n", copy_took.size(), percentile(copy_took, .5), percentile(copy_took, .99));
  double lowest = 1;
  TimePanel latency{.title = "search, ms", .low = 0, .high = 0, .series = {{"p50", {}}, {"p99", {}}}};
  TimePanel recall{.title = "recall@10", .low = .9, .high = 1, .series = {{"mean", {}}}};
  for (const auto& [window, phase] : windows) {
    const double middle = (window + .5) * kWindow;
    latency.series[0].points.emplace_back(middle, percentile(phase.took, .5));
    latency.series[1].points.emplace_back(middle, percentile(phase.took, .99));
    latency.high = std::max(latency.high, percentile(phase.took, .99));
    recall.series[0].points.emplace_back(middle, phase.mean_recall());
    lowest = std::min(lowest, phase.mean_recall());
  }
  TimePanel rows{.title = "rows, thousands", .low = 0, .high = 1, .series = {{"all", {}}, {"without a graph", {}}}};
  TimePanel segments{.title = "segments", .low = 0, .high = 1, .series = {{"segments", {}}}};
  double longest = 0;
  for (const auto& words : writes) {
    const double seconds = std::stod(words[1]);
    rows.series[0].points.emplace_back(seconds, std::stod(words[2]) / 1e3);
    rows.series[1].points.emplace_back(seconds, (std::stod(words[4]) + std::stod(words[5])) / 1e3);
    rows.high = std::max(rows.high, std::stod(words[2]) / 1e3);
    segments.series[0].points.emplace_back(seconds, std::stod(words[3]));
    segments.high = std::max(segments.high, std::stod(words[3]) + 1);
    longest = std::max(longest, std::stod(words[6]));
  }
  const auto ratio = [&](const std::vector<double>& to, double share) { return percentile(stream.took, share) / percentile(to, share); };
  fmt::print("p50 {:.2f} x, p99 {:.2f} x of the quiet copy beside it; {:.2f} x and {:.2f} x of quiet before\n", ratio(copy_took, .5), ratio(copy_took, .99),
             ratio(quiet.took, .5), ratio(quiet.took, .99));
  fmt::print("lowest recall of {} s: {:.4f}; longest insert {:.1f} ms; {} rows at the end\n", kWindow, lowest, longest, writes.empty() ? "?" : writes.back()[2]);
  if (options.plot.empty()) return;
  std::ofstream(options.plot) << time_plot(
      fmt::format("{} rows/s into {} rows, {} searches/s from another process", options.rate, options.base, options.search_rate),
      {latency, recall, rows, segments}, options.quiet_seconds, "stream begins");
}

int run(StreamOptions& options, int argc, char** argv) {
  prepare(options);
  options.start = now() + 3;  // both have opened by then
  const auto writes_file = options.folder + "/writes.csv", searches_file = options.folder + "/searches.csv";
  const pid_t writer = spawn(options, "ingest", argc, argv, writes_file);
  const pid_t searcher = spawn(options, "search", argc, argv, searches_file);
  int status = 0;
  for (const pid_t pid : {writer, searcher})
    if (::waitpid(pid, &status, 0) != pid || status != 0) return fmt::print(stderr, "a process failed\n"), 1;
  std::vector<Answer> answers;
  for (const auto& words : lines_of(searches_file, "s,")) {
    Answer answer{.seconds = std::stod(words[1]), .took = std::stod(words[2]), .cpu = std::stod(words[3]), .late = std::stod(words[4]),
                  .seq = std::stoull(words[5]), .query = static_cast<std::uint32_t>(std::stoul(words[6])), .ids = {}};
    for (std::size_t i = 7; i < words.size(); ++i) answer.ids.push_back(std::stoull(words[i]));
    answers.push_back(std::move(answer));
  }
  judge(options, answers);
  report(options, answers, lines_of(searches_file, "c,"), lines_of(writes_file, "w,"));
  for (const auto& words : lines_of(writes_file, "e,")) fmt::print("writer: {} s of CPU, {} MiB at most\n", words[1], words[2]);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  StreamOptions options;
  CLI::App app("Inserts at a fixed rate beside searches at a fixed rate from another process.");
  app.add_option("--data", options.data, "folder with base.npy (at least base + rate * seconds rows) and query.npy")->required();
  app.add_option("--folder", options.folder, "where the collection is made; the base is kept there for the next run")->required();
  app.add_option("--plot", options.plot, "SVG file to write");
  app.add_option("--distance", options.distance);
  app.add_option("--base", options.base, "rows that are there and indexed before the run");
  app.add_option("--rate", options.rate, "rows per second");
  app.add_option("--search-rate", options.search_rate, "searches per second");
  app.add_option("--ef", options.ef);
  app.add_option("--threads", options.threads, "for building graphs; 0: all cores");
  app.add_option("--quiet-seconds", options.quiet_seconds);
  app.add_option("--seconds", options.seconds);
  app.add_option("--role", options.role)->group("");
  app.add_option("--start", options.start)->group("");
  CLI11_PARSE(app, argc, argv);
  if (options.role == "ingest") return ingest(options);
  if (options.role == "search") return search(options);
  return run(options, argc, argv);
}
