// Import: one thread reads and puts chunks together while another hands the chunk before to the target.
#include <fmt/format.h>

#include <future>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/row_source.hpp"
#include "cli/text.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

constexpr std::size_t kDefaultBatchBytes = 4ULL << 20;
constexpr std::uint64_t kWorthIndexing = 1000;  // rows; below, comparing with every vector is as fast

struct Import {
  std::vector<std::string> words;  // [COLLECTION] FILE
  std::string name, ids, payloads, id_prefix, distance = "cosine", durability = "buffered";
  std::uint64_t skip = 0;
  std::uint32_t batch_rows = 0;
  bool create = false, flush = false, quiet = false;
};

struct Totals {
  std::uint64_t rows = 0, inserted = 0, replaced = 0;
  Seq seq;
};

Status find_names(Import& options) {
  if (options.words.size() == 2 && options.name.empty()) {
    options.name = options.words.front();
    options.words.erase(options.words.begin());
  }
  if (options.words.size() != 1 || options.name.empty()) return usage("say where to and what: ndb import COLLECTION FILE");
  if (const auto status = validate_collection_name(options.name); !status) return usage(status.error().message);
  return {};
}

Status create_if_missing(Target& target, const Import& options, std::uint32_t dim) {
  if (!options.create) return {};
  const CollectionConfig config{.dim = dim,
                                .distance = distance_from_name(options.distance).value_or(Distance::cosine),
                                .durability = durability_from_name(options.durability).value_or(Durability::buffered)};
  const auto made = target.create(options.name, config);
  if (!made && made.error().code != ErrorCode::already_exists) return std::unexpected(made.error());
  return {};
}

/// "documents[3].vector" of a chunk is row first_row + 3 of the file: say so.
Error in_terms_of_the_file(Error error, const Chunk& chunk) {
  error.message = fmt::format("rows {} to {} were not taken: {}", chunk.first_row, chunk.first_row + chunk.size() - 1, error.message);
  return error;
}

class Importer {
 public:
  Importer(const Session& session, const Import& options, Target& target, RowSource& source)
      : options_(options), target_(target), source_(source),
        progress_(session.streams.err, session.streams.err_is_terminal) {}

  Status run() {
    const std::size_t row_bytes = std::max<std::size_t>(1, source_.dim()) * sizeof(float);
    const std::size_t rows = options_.batch_rows > 0 ? options_.batch_rows : std::clamp<std::size_t>(kDefaultBatchBytes / row_bytes, 1, 10'000);
    Chunk reading, sending;
    std::future<Result<WriteResult>> sent;
    for (;;) {
      const auto more = source_.next(reading, rows);
      if (sent.valid()) NDB_TRY(take(sent.get(), sending));
      if (!more) return std::unexpected(more.error());
      if (!*more) break;
      std::swap(reading, sending);
      sent = std::async(std::launch::async, [this, &sending] { return target_.insert(options_.name, sending.views()); });
      if (!options_.quiet) progress_.update(done());
    }
    if (!options_.quiet) progress_.finish(done());
    return {};
  }

  [[nodiscard]] const Totals& totals() const noexcept { return totals_; }
  [[nodiscard]] double seconds() const { return progress_.seconds(); }

 private:
  Status take(Result<WriteResult> result, const Chunk& chunk) {
    if (!result) return std::unexpected(in_terms_of_the_file(std::move(result).error(), chunk));
    totals_.rows += chunk.size();
    totals_.inserted += result->inserted;
    totals_.replaced += result->replaced;
    totals_.seq = result->seq;
    return {};
  }
  [[nodiscard]] Done done() const {
    Done done = source_.done();
    done.rows = totals_.rows;
    if (done.rows_total) done.rows_total = *done.rows_total - std::min(*done.rows_total, options_.skip);
    return done;
  }

  const Import& options_;
  Target& target_;
  RowSource& source_;
  Progress progress_;
  Totals totals_;
};

void print_summary(const Session& session, const Import& options, const Totals& totals, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(totals.rows) / seconds : 0;
  if (session.json) {
    http::JsonWriter json;
    json.begin_object().field("rows", totals.rows).field("inserted", totals.inserted).field("replaced", totals.replaced);
    json.field("seq", totals.seq.value).field("seconds", seconds).field("rows_per_second", rate).end_object();
    session.print_json(json.text());
    return;
  }
  session.streams.out << fmt::format("imported {} documents into '{}' in {:.1f} s ({} a second): {} new, {} replaced\n",
                                     grouped(totals.rows), options.name, seconds, grouped(static_cast<std::uint64_t>(rate)),
                                     grouped(totals.inserted), grouped(totals.replaced));
  // A server indexes by itself; an embedded engine stops with this process.
  if (session.address.url.empty() && totals.rows >= kWorthIndexing)
    session.streams.out << fmt::format("for faster searches: ndb index build {}\n", options.name);
}

Status import(const Session& session, Import& options) {
  NDB_TRY(find_names(options));
  NDB_TRY_ASSIGN(auto source, RowSource::open({.vectors = options.words.front(), .ids = options.ids, .payloads = options.payloads,
                                               .id_prefix = options.id_prefix, .skip = options.skip}));
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::write));
  if (source.dim() > 0) NDB_TRY(create_if_missing(*target, options, source.dim()));
  Importer importer(session, options, *target, source);
  if (auto status = importer.run(); !status) {
    const std::uint64_t in = options.skip + importer.totals().rows;
    if (in > 0) session.streams.err << fmt::format("ndb: {} rows are in; go on after them with --skip {}\n", grouped(in), in);
    return status;
  }
  if (options.flush) NDB_TRY(target->run(options.name, Job::flush, true));
  print_summary(session, options, importer.totals(), importer.seconds());
  return {};
}

void declare_import(CLI::App& command, Import& options) {
  command.add_option("words", options.words, "The collection and the file: .npy .npz .fvecs .bvecs .ivecs .jsonl .csv")
      ->required()->expected(1, 2)->type_name("COLLECTION FILE");
  command.add_option("-c,--collection", options.name, "The collection, instead of as the first word")->type_name("NAME");
  command.add_option("--ids", options.ids, "File with an id a line, for vectors that have none (else: the row's number, from 0)")->type_name("FILE");
  command.add_option("--payloads", options.payloads, "File with a JSON object a line, for vectors that have none")->type_name("FILE");
  command.add_option("--id-prefix", options.id_prefix, "Put this before every id")->type_name("TEXT");
  command.add_option("--skip", options.skip, "Leave out the first rows: to go on with an import that was interrupted")->type_name("ROWS");
  command.add_option("--batch-rows", options.batch_rows, "Documents a batch, 1 to 100000 [as many as make 4 MiB]")
      ->check(CLI::Range(1U, Limits::kMaxBatchDocuments))->type_name("N");
  command.add_flag("--create", options.create, "Make the collection if it is missing, with the file's dimension");
  command.add_option("--distance", options.distance, "For --create: cosine, dot or euclidean [cosine]")
      ->check(CLI::IsMember({"cosine", "dot", "euclidean"}))->type_name("NAME");
  command.add_option("--durability", options.durability, "For --create: buffered or sync [buffered]")
      ->check(CLI::IsMember({"buffered", "sync"}))->type_name("NAME");
  command.add_flag("--flush", options.flush, "Write everything to segments before returning");
  command.add_flag("-q,--quiet", options.quiet, "No progress");
  command.footer("Documents replace those with the same id, so running an import again is safe.\n"
                 "Examples:\n  ndb import docs vectors.npy --ids ids.txt --payloads payloads.jsonl --create\n"
                 "  ndb import docs documents.jsonl        lines of {\"id\": \"a\", \"vector\": [0.1, 0.2], \"payload\": {}}");
}

}  // namespace

void add_import_command(CLI::App& app, Session& session, Action& action) {
  add_command<Import>(app, action, "import", "Read documents from a file", declare_import,
                      [&](Import& options) { return import(session, options); });
}

}  // namespace ndb::cli
