// ndb bench: how fast and how exact nDB is on the user's own data, in a collection of its own that is gone afterwards.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "cli/bench/bench_report.hpp"
#include "cli/bench/bench_rows.hpp"
#include "cli/bench/companion.hpp"
#include "cli/command.hpp"
#include "cli/import/importer.hpp"
#include "cli/options.hpp"
#include "cli/text.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

struct Bench {
  BenchPlan plan;
  std::vector<std::string> words;  // a collection, or files
  RowFiles files;
  std::string payloads, documents, queries, filter, distance, quantization, out, place;
  std::uint32_t m = 0, ef_construction = 0;
  bool quiet = false;
};

/// Progress of one stage after the other.
class Stages {
 public:
  Stages(const Session& session, bool quiet) : streams_(session.streams), quiet_(quiet) {}
  [[nodiscard]] Report begin(const char* what) {
    if (quiet_) return [](const Done&) {};
    streams_.err << what << '\n';
    auto progress = std::make_shared<Progress>(streams_.err, streams_.err_is_terminal);
    return [progress](const Done& done) { done.rows_total == done.rows ? progress->finish(done) : progress->update(done); };
  }

 private:
  const Streams& streams_;
  const bool quiet_;
};

/// A name of letters, digits, - and _ is a collection's; files have an extension or a folder.
bool names_a_collection(const Bench& options) {
  return options.words.size() == 1 && options.words.front() != "-" && options.files.format.empty() && validate_collection_name(options.words.front()).has_value();
}

Result<BenchRows> open_rows(const Session& session, Bench& options) {
  if (names_a_collection(options)) return rows_of_collection(session, options.words.front());
  if (!session.address.url.empty()) return usage("--url is for collections; files are measured here");
  for (const auto& word : options.words) NDB_TRY(expand_pattern(word, options.files.vectors));
  options.files.payloads = options.payloads;
  options.files.documents = options.documents;
  return rows_of_files(options.files);
}

Status check_words(Bench& options) {
  if (!options.filter.empty()) {
    auto filter = Filter::from_json(options.filter, "--filter");
    if (!filter) return usage(filter.error().message);
    options.plan.filter = std::move(*filter);
  }
  if (options.plan.recalls.empty() && options.plan.efs.empty()) return usage("there is nothing to measure: give --ef or --recall");
  return {};
}

void configure(CollectionConfig& config, const Bench& options) {
  if (!options.distance.empty()) config.distance = distance_from_name(options.distance).value_or(config.distance);
  if (!options.quantization.empty()) config.hnsw.quantization = quantization_from_name(options.quantization).value_or(config.hnsw.quantization);
  if (options.m > 0) config.hnsw.m = options.m;
  if (options.ef_construction > 0) config.hnsw.ef_construction = options.ef_construction;
}

/// The log, the segments, and those that a merge makes of them, all there at once.
Status check_room(const std::filesystem::path& place, std::uint64_t vector_bytes) {
  constexpr std::uint64_t kTimes = 4;
  std::error_code error;
  const auto space = std::filesystem::space(place, error);
  if (error || space.available >= kTimes * vector_bytes) return {};
  return fail(ErrorCode::no_space, fmt::format("{} has {} free, {} are needed; --work-dir names another place, --rows takes fewer rows", place.string(),
                                               human_bytes(space.available), human_bytes(kTimes * vector_bytes)));
}

Result<BenchReport> measure(const Session& session, Bench& options, Companion& companion) {
  NDB_TRY_ASSIGN(auto rows, open_rows(session, options));
  configure(rows.config, options);
  if (const auto status = validate(rows.config); !status) return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", rows.name, status.error().message));
  const BenchPlan& plan = options.plan;
  const std::uint64_t count = plan.max_rows > 0 ? std::min(plan.max_rows, rows.stream->total()) : rows.stream->total();
  NDB_TRY(check_room(companion.data_dir().parent_path(), count * rows.config.dim * sizeof(float)));
  Queries queries;
  if (!options.queries.empty()) {
    NDB_TRY_ASSIGN(queries, read_queries(options.queries, rows.config.dim, plan.queries));
  }
  BenchReport report{.source = rows.name, .plan = plan, .stats = {}, .queries = 0, .held_out = queries.empty(), .ingest = {}, .searches = {}, .freshness = {}};
  Stages stages(session, options.quiet);
  NDB_TRY_ASSIGN(auto database, Database::open(companion.data_dir()));
  NDB_TRY_ASSIGN(auto collection, database.create_collection("bench", rows.config));
  NDB_TRY_ASSIGN(report.ingest, load_rows(*rows.stream, collection, plan, queries, stages.begin("taking the rows in, and building the graph")));
  report.queries = queries.size();
  NDB_TRY_ASSIGN(report.stats, collection.stats());
  NDB_TRY_ASSIGN(const auto truth, exact_matches(collection, plan, queries, stages.begin("finding the true nearest of each query")));
  if (std::ranges::all_of(truth, [](const auto& matches) { return matches.empty(); })) return fail(ErrorCode::invalid_argument, "no row matches the filter");
  NDB_TRY_ASSIGN(report.searches, measure_searches(collection, plan, queries, truth, stages.begin("searching")));
  if (plan.inserts > 0) {
    if (!options.quiet) session.streams.err << "inserting beside another process\n";
    NDB_TRY_ASSIGN(const auto delays, companion.measure_freshness(collection, queries, plan.inserts));
    report.freshness = freshness_of(delays);
  }
  NDB_TRY(database.close());
  return report;
}

Status write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  return file ? Status{} : fail(ErrorCode::io_error, path + ": cannot be written");
}

Status bench(const Session& session, Bench& options) {
  NDB_TRY(check_words(options));
  const std::filesystem::path place = options.place.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path(options.place);
  NDB_TRY_ASSIGN(auto companion, Companion::start(place));
  const auto report = measure(session, options, *companion);
  companion.reset();
  if (!report) return std::unexpected(report.error());
  if (session.json) session.print_json(bench_json(*report));
  else session.streams.out << bench_text(*report);
  if (options.out.empty()) return {};
  NDB_TRY(write_file(options.out + ".svg", bench_plot(*report)));
  NDB_TRY(write_file(options.out + ".csv", bench_csv(*report)));
  if (!session.json) session.streams.out << fmt::format("written: {0}.svg, {0}.csv\n", printable(options.out));
  return {};
}

void declare_data(CLI::App& command, Bench& options) {
  command.add_option("words", options.words, "A collection, or files that import reads: .npy .npz .fvecs .bvecs .ivecs .jsonl .csv, patterns, or - for standard input")
      ->required()->type_name("COLLECTION|FILE...");
  command.add_option("--format", options.files.format, "What the files are, whatever their names say; of standard input [jsonl]")
      ->check(CLI::IsMember({"npy", "npz", "fvecs", "bvecs", "ivecs", "jsonl", "csv"}))->type_name("NAME");
  command.add_option("--payloads", options.payloads, "File with a JSON object a line, for vectors that have none")->type_name("FILE");
  command.add_option("--documents", options.documents, "Instead: file with {\"id\": …, \"payload\": …} a line, as export writes it")->type_name("FILE");
  command.add_option("--rows", options.plan.max_rows, "Take the first rows only [all]")->type_name("N");
  command.add_option("--queries", options.queries, "File with queries [a random sample of the rows, held out]")->type_name("FILE");
  command.add_option("--sample", options.plan.queries, "Queries at most; held out is a tenth of the rows at most [1000]")->check(CLI::Range(1U, 100'000U))->type_name("N");
  command.add_option("--filter", options.filter, "Search only what matches, such as '{\"year\":{\"$gte\":2020}}'")->type_name("JSON");
}

void declare_bench(CLI::App& command, Bench& options) {
  declare_data(command, options);
  auto& plan = options.plan;
  command.add_option("--distance", options.distance, "cosine, dot or euclidean [the collection's; of files cosine]")
      ->check(CLI::IsMember({"cosine", "dot", "euclidean"}))->type_name("NAME");
  command.add_option("--hnsw-m", options.m, "Links per node of the graph [the collection's; of files 16]")->type_name("N");
  command.add_option("--hnsw-ef-construct", options.ef_construction, "Candidates while building [the collection's; of files 200]")->type_name("N");
  command.add_option("--hnsw-quantization", options.quantization, "What the graph is walked on: auto, none, sq8 or rabitq")
      ->check(CLI::IsMember({"auto", "none", "sq8", "rabitq"}))->type_name("NAME");
  command.add_option("-k,--top-k", plan.top_k, "Matches of each search [10]")->check(CLI::Range(1U, Limits::kMaxTopK))->type_name("N");
  command.add_option("--ef", plan.efs, "Candidates while searching, each a point of the curve [10,16,24,32,48,64,96,128,200,400]")
      ->delimiter(',')->check(CLI::Range(1U, Limits::kMaxEf))->type_name("N,...");
  command.add_option("--recall", plan.recalls, "Recalls that searches ask for instead of an ef [0.9,0.95,0.99]")->delimiter(',')->check(CLI::Range(0.01, 1.0))->type_name("SHARE,...");
  command.add_option("--passes", plan.passes, "Passes over the queries, of which the median is told [3]")->check(CLI::Range(1U, 100U))->type_name("N");
  command.add_option("--threads", plan.threads, "Threads that search at once [1]")->check(CLI::Range(1U, 256U))->type_name("N");
  command.add_option("--batch-rows", plan.batch_rows, "Documents a batch [as many as make 1 MiB]")->check(CLI::Range(1U, Limits::kMaxBatchDocuments))->type_name("N");
  command.add_option("--inserts", plan.inserts, "Single inserts that another process waits for, 0 for none [500]")->check(CLI::Range(0U, 100'000U))->type_name("N");
  command.add_option("-o,--out", options.out, "Write the curve to NAME.svg and the table to NAME.csv")->type_name("NAME");
  command.add_option("--work-dir", options.place, "Where the measured collection is until the end; best on the disk that is to be used [TMPDIR or /tmp]")->type_name("DIR");
  command.add_flag("-q,--quiet", options.quiet, "No progress");
  command.footer("Your collection and files are only read: what is measured is a collection of its own, which is removed in the end, however it ends.\n"
                 "Examples:\n  ndb bench docs\n  ndb bench vectors.npy --queries queries.npy --distance euclidean --out curve\n"
                 "  ndb bench docs --filter '{\"lang\":\"en\"}' --threads 4 --json");
}

}  // namespace

void add_bench_command(CLI::App& app, Session& session, Action& action) {
  add_command<Bench>(app, action, "bench", "Measure ingest, recall against speed, and freshness on your own data", declare_bench,
                     [&](Bench& options) { return bench(session, options); });
}

}  // namespace ndb::cli
