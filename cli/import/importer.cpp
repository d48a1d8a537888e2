#include "cli/import/importer.hpp"

#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <ranges>
#include <thread>

#include "cli/answer.hpp"
#include "cli/import/conveyor.hpp"
#include "cli/import/import_place.hpp"
#include "cli/import/import_state.hpp"
#include "cli/import/rejects_file.hpp"
#include "cli/text.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/result.hpp"
#include "shared/fs/page_release.hpp"
#include "shared/payload/payload.hpp"

namespace ndb::cli {
namespace {

constexpr std::size_t kDefaultBatchBytes = 512ULL << 10;
constexpr std::uint64_t kReleaseBytes = 64ULL << 20;  // of documents, after which mapped files are let go of; each time stops all threads for a moment
constexpr std::uint64_t kWorthIndexing = 1000;  // rows; below, comparing with every vector is as fast
constexpr int kAttempts = 8;                    // at a target that is busy or restarts
constexpr std::chrono::milliseconds kFirstPause{250};

/// The collection as it is.
struct Collected {
  std::uint32_t dim = 0;
  Distance distance = Distance::cosine;
  std::uint64_t seq = 0;
  std::string uid;  // "" if the target does not say
};

Result<Collected> look_at(Target& target, const std::string& name) {
  NDB_TRY_ASSIGN(const auto stats_text, target.stats(name));
  NDB_TRY_ASSIGN(const auto stats, parse_answer(stats_text));
  NDB_TRY_ASSIGN(const auto manifest_text, target.manifest(name, {}));
  NDB_TRY_ASSIGN(const auto manifest, parse_answer(manifest_text));
  return Collected{.dim = static_cast<std::uint32_t>(count_at(stats, "dim")),
                   .distance = distance_from_name(text_at(stats, "distance")).value_or(Distance::cosine),
                   .seq = count_at(stats, "seq"),
                   .uid = text_at(manifest, "collection_uid")};
}

Status create_if_missing(Target& target, const ImportOptions& options, std::uint32_t dim) {
  if (!options.create || dim == 0) return {};
  const CollectionConfig config{.dim = dim,
                                .distance = distance_from_name(options.distance).value_or(Distance::cosine),
                                .durability = durability_from_name(options.durability).value_or(Durability::buffered)};
  const auto made = target.create(options.name, config);
  if (!made && made.error().code != ErrorCode::already_exists) return std::unexpected(made.error());
  return {};
}

/// Says which rows of the source "documents[3].vector" is about.
Error in_terms_of_the_source(Error error, const Chunk& chunk) {
  error.message = fmt::format("rows {} to {} were not taken: {}", chunk.rows.front(), chunk.rows.back(), error.message);
  return error;
}

/// 3 of "documents[3].vector".
std::optional<std::size_t> refused_document(const Error& error) {
  constexpr std::string_view prefix = "documents[";
  if (error.code != ErrorCode::invalid_argument || !error.field.starts_with(prefix)) return std::nullopt;
  std::size_t at = 0;
  const char* const end = error.field.data() + error.field.size();
  if (std::from_chars(error.field.data() + prefix.size(), end, at).ec != std::errc()) return std::nullopt;
  return at;
}

/// Moves to the rejects whatever the engine would refuse.
void screen(Chunk& chunk, const Collected& collection, const std::string& source) {
  const auto views = chunk.views();
  Chunk good;
  good.dim = chunk.dim;
  good.position = std::move(chunk.position);
  good.rows_end = chunk.rows_end;
  good.rejects = std::move(chunk.rejects);
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (const auto status = check_document(views[i], {.dim = collection.dim, .distance = collection.distance}); status) {
      good.add(chunk.rows[i], chunk.ids[i], views[i].vector, chunk.payloads[i]);
    } else {
      const auto& [code, message, field] = status.error();
      const std::string why = message.starts_with(field) ? message : fmt::format("{}: {}", field, message);
      good.rejects.push_back({.file = source, .row = chunk.rows[i], .line = 0, .id = chunk.ids[i], .why = why, .text = {}});
    }
  }
  chunk = std::move(good);
}

std::uint64_t bytes_of(const Chunk& chunk) {
  std::uint64_t sum = chunk.values.size() * sizeof(float);
  for (std::size_t i = 0; i < chunk.size(); ++i) sum += chunk.ids[i].size() + chunk.payloads[i].size();
  return sum;
}

class Importer {
 public:
  Importer(const Session& session, const ImportOptions& options, Target& target, DocumentSource& source, Collected collection)
      : session_(session), options_(options), target_(target), source_(source), collection_(std::move(collection)),
        rejects_(rejects_path(options, source.name())), progress_(session.streams.err, session.streams.err_is_terminal) {}

  /// Finds what an earlier run did, and goes on behind it.
  Status resume() {
    if (!options_.resumable || source_.identity().empty()) return {};
    const auto place = state_path(session_, options_, source_);
    auto opened = ImportState::open(place, identity(), options_.restart);
    if (!opened && opened.error().code == ErrorCode::unavailable) return std::unexpected(opened.error());
    if (!opened) {
      session_.streams.err << "ndb: the import will not be resumable: " << printable(opened.error().message) << '\n';
      return {};
    }
    state_.emplace(std::move(*opened));
    if (state_->outdated())
      session_.streams.err << "ndb: the files or the collection are not those of the import that was interrupted: beginning anew\n";
    for (const auto& checkpoint : std::views::reverse(state_->found())) {
      NDB_TRY_ASSIGN(const bool there, is_there(checkpoint));
      if (there) return go_on(checkpoint);
    }
    return {};
  }

  Status run() {
    const std::size_t row_bytes = std::max<std::size_t>(1, source_.dim()) * sizeof(float);
    const std::size_t rows = options_.batch_rows > 0 ? options_.batch_rows : std::clamp<std::size_t>(kDefaultBatchBytes / row_bytes, 1, 10'000);
    Conveyor conveyor([this](Chunk& chunk) { return take(send(chunk), chunk); });
    Result<bool> more = true;
    Chunk reading;
    while ((more = source_.next(reading, rows)) && *more) {
      if (!conveyor.put(reading)) break;  // finish() says why
      if (!options_.quiet) progress_.update(done());
    }
    NDB_TRY(conveyor.finish());
    if (!more) return std::unexpected(more.error());
    if (!options_.quiet) progress_.finish(done());
    if (state_) state_->finish();
    return {};
  }

  void print_summary(bool several) const;
  [[nodiscard]] const Checkpoint& totals() const noexcept { return totals_; }
  [[nodiscard]] std::uint64_t rejected() const noexcept { return rejects_.count(); }
  [[nodiscard]] bool resumable() const noexcept { return state_.has_value(); }
  [[nodiscard]] const std::string& first_reject() const noexcept { return rejects_.first(); }

 private:
  [[nodiscard]] std::string identity() const {
    return fmt::format("{{\"ndb-import\":1,\"collection\":\"{}\",\"uid\":\"{}\",\"source\":\"{}\"}}", options_.name, collection_.uid,
                       printable(source_.identity()));
  }

  /// After a power loss the record may be ahead of the data; what is lost is a suffix, so looking for the last document is enough.
  Result<bool> is_there(const Checkpoint& checkpoint) {
    if (checkpoint.seq > collection_.seq) return false;
    if (checkpoint.last_id.empty()) return true;
    http::JsonWriter body;
    body.begin_object().key("ids").begin_array().string(checkpoint.last_id).end_array().end_object();
    NDB_TRY_ASSIGN(const auto text, target_.get(options_.name, body.text()));
    NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
    return array_at(answer, "missing").empty();
  }

  Status go_on(const Checkpoint& checkpoint) {
    NDB_TRY(rejects_.go_on(checkpoint.rejected, checkpoint.rejects_bytes));
    NDB_TRY(source_.go_to(checkpoint.position));
    totals_ = checkpoint;
    rows_done_ = totals_.rows;
    resumed_at_ = checkpoint.rows;
    share_before_ = source_.done().share();
    session_.streams.err << fmt::format("ndb: going on after {} rows that an interrupted run imported; --restart begins anew\n", grouped(resumed_at_));
    return {};
  }

  /// A target that is busy, or a server that restarts, is asked again: a batch that arrives twice replaces itself.
  Result<WriteResult> insert(const Chunk& chunk) {
    const auto views = chunk.views();
    auto pause = kFirstPause;
    for (int attempt = 1;; ++attempt, pause *= 2) {
      auto result = target_.insert(options_.name, views);
      const bool again = !result && (result.error().code == ErrorCode::overloaded ||
                                     (result.error().code == ErrorCode::unavailable && !session_.address.url.empty()));
      if (!again || attempt == kAttempts) return result;
      std::this_thread::sleep_for(pause);
    }
  }

  Result<WriteResult> send(Chunk& chunk) {
    bool screened = false;
    for (;;) {
      if (chunk.size() == 0) return WriteResult{.seq = Seq{totals_.seq}};
      auto result = insert(chunk);
      if (result || options_.strict) return result;
      const auto refused = refused_document(result.error());
      if (!refused || *refused >= chunk.size()) return result;
      if (screened) chunk.reject(*refused, source_.name(), result.error().message);  // a server that is stricter than we are
      else screen(chunk, collection_, source_.name());
      screened = true;
    }
  }

  Status take(Result<WriteResult> result, const Chunk& chunk) {
    if (!result && chunk.size() > 0) return std::unexpected(in_terms_of_the_source(std::move(result).error(), chunk));
    if (!result) return std::unexpected(result.error());
    NDB_TRY(rejects_.add(chunk.rejects));
    totals_.rows = chunk.rows_end;
    totals_.position = chunk.position;
    rows_done_.store(totals_.rows, std::memory_order_relaxed);
    mapped_bytes_ += bytes_of(chunk);
    if (mapped_bytes_ >= kReleaseBytes) {
      fs::release_mapped_pages();
      mapped_bytes_ = 0;
    }
    totals_.taken += chunk.size();
    totals_.inserted += result->inserted;
    totals_.replaced += result->replaced;
    totals_.seq = result->seq.value;
    totals_.last_id = chunk.ids.empty() ? totals_.last_id : chunk.ids.back();
    totals_.rejected = rejects_.count();
    totals_.rejects_bytes = rejects_.bytes();
    return state_ ? state_->add(totals_) : Status{};
  }

  [[nodiscard]] Done done() const {
    Done done = source_.done();
    done.rows = rows_done_.load(std::memory_order_relaxed);
    done.rows_before = resumed_at_;
    done.share_before = share_before_;
    return done;
  }

  const Session& session_;
  const ImportOptions& options_;
  Target& target_;
  DocumentSource& source_;
  const Collected collection_;
  RejectsFile rejects_;
  Progress progress_;
  std::optional<ImportState> state_;
  Checkpoint totals_;  // the conveyor's while it runs
  std::atomic<std::uint64_t> rows_done_ = 0;  // a copy of its rows, for the progress
  std::uint64_t resumed_at_ = 0, mapped_bytes_ = 0;
  double share_before_ = 0;
};

/// several: the data lies in more segments than one.
void Importer::print_summary(bool several) const {
  const double seconds = progress_.seconds();
  const double rate = seconds > 0 ? static_cast<double>(totals_.rows - resumed_at_) / seconds : 0;
  if (session_.json) {
    http::JsonWriter json;
    json.begin_object().field("rows", totals_.taken).field("inserted", totals_.inserted).field("replaced", totals_.replaced);
    json.field("rejected", rejects_.count());
    if (rejects_.count() > 0) json.field("rejects_file", rejects_.path().string());
    json.field("resumed_at", resumed_at_).field("seq", totals_.seq).field("seconds", seconds).field("rows_per_second", rate).end_object();
    session_.print_json(json.text());
    return;
  }
  session_.streams.out << fmt::format("imported {} documents into '{}' in {:.1f} s ({} a second): {} new, {} replaced\n",
                                      grouped(totals_.taken), options_.name, seconds, grouped(static_cast<std::uint64_t>(rate)),
                                      grouped(totals_.inserted), grouped(totals_.replaced));
  if (rejects_.count() > 0)
    session_.streams.out << fmt::format("rejected {}, kept in {}; the first: {}\n", grouped(rejects_.count()), printable(rejects_.path().string()),
                                        printable(rejects_.first()));
  // A server indexes by itself; an embedded engine stops with this process.
  if (session_.address.url.empty() && !options_.index && totals_.taken >= kWorthIndexing)
    session_.streams.out << fmt::format("for faster searches: {} {}\n", several ? "ndb compact" : "ndb index build", options_.name);
}

/// Merging costs writing everything again, many segments cost each look-up: so they are merged until some 32 of them would hold all.
std::uint64_t segment_rows(const DocumentSource& source) {
  constexpr std::uint64_t kFewSegments = 32;
  const std::uint64_t row_bytes = std::max<std::uint64_t>(1, source.dim() * sizeof(float));
  const Done whole = source.done();
  return std::max<std::uint64_t>(1, whole.rows_total.value_or(whole.bytes_total / row_bytes) / kFewSegments);
}

/// Merges what a load left in pieces, and builds the graph.
Status build_index(const Session& session, const std::string& name) {
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::write));
  NDB_TRY(target->run(name, Job::compact, true));
  NDB_TRY_ASSIGN(const auto text, target->stats(name));
  NDB_TRY_ASSIGN(const auto stats, parse_answer(text));
  if (count_at(object_at(stats, "index"), "unindexed_rows") >= kWorthIndexing) NDB_TRY(target->run(name, Job::build_index, true));
  return {};
}

}  // namespace

Status check_document(const DocumentView& document, const CollectionConfig& config) {
  NDB_TRY(payload::validate_id(document.id));
  NDB_TRY(payload::validate_vector(document.vector, config.dim, config.distance));
  NDB_TRY(payload::encode(document.payload));
  return {};
}

Status run_import(const Session& session, const ImportOptions& options, DocumentSource& source) {
  {
    Session loading = session;
    loading.address.load_segment_rows = segment_rows(source);
    NDB_TRY_ASSIGN(const auto target, loading.open(Purpose::load));
    NDB_TRY(create_if_missing(*target, options, source.dim()));
    NDB_TRY_ASSIGN(auto collection, look_at(*target, options.name));
    if (source.dim() != 0 && source.dim() != collection.dim)
      return fail(ErrorCode::invalid_argument, fmt::format("{} has vectors of {} elements, '{}' has {}", source.name(), source.dim(), options.name, collection.dim));
    Importer importer(session, options, *target, source, std::move(collection));
    NDB_TRY(importer.resume());
    if (auto status = importer.run(); !status) {
      const std::uint64_t in = importer.totals().rows;
      if (in > 0)
        session.streams.err << fmt::format("ndb: {} rows are in; {}\n", grouped(in), importer.resumable() ? "the same command goes on after them"
                                           : fmt::format("go on after them with --skip {}", in));
      return status;
    }
    if (options.flush) NDB_TRY(target->run(options.name, Job::flush, true));
    NDB_TRY_ASSIGN(const auto text, target->stats(options.name));
    NDB_TRY_ASSIGN(const auto stats, parse_answer(text));
    importer.print_summary(array_at(stats, "segments").size() > 1);
    if (importer.totals().taken == 0 && importer.rejected() > 0)
      return fail(ErrorCode::invalid_argument, "nothing could be taken: " + importer.first_reject());
  }
  return options.index ? build_index(session, options.name) : Status{};
}

void declare_import_options(CLI::App& command, ImportOptions& options) {
  command.add_option("--batch-rows", options.batch_rows, "Documents a batch, 1 to 100000 [as many as make 512 KiB]")
      ->check(CLI::Range(1U, Limits::kMaxBatchDocuments))->type_name("N");
  command.add_flag("--create", options.create, "Make the collection if it is missing, with the source's dimension");
  command.add_option("--distance", options.distance, "For --create: cosine, dot or euclidean [cosine]")
      ->check(CLI::IsMember({"cosine", "dot", "euclidean"}))->type_name("NAME");
  command.add_option("--durability", options.durability, "For --create: buffered or sync [buffered]")
      ->check(CLI::IsMember({"buffered", "sync"}))->type_name("NAME");
  command.add_flag("--strict", options.strict, "Stop at the first document that cannot be taken, instead of keeping it in the file of rejects");
  command.add_option("--rejects", options.rejects, "File for what cannot be taken [NAME.rejects.jsonl in the current folder]")->type_name("FILE");
  command.add_flag("--restart", options.restart, "Begin at the start, even if an interrupted import of the same could go on");
  command.add_option("--state", options.state, "File that says how far an import is, so that it can go on [kept beside the data]")->type_name("FILE");
  command.add_flag("--flush", options.flush, "Write everything to segments before returning");
  command.add_flag("--index", options.index, "Merge and build the graph before returning");
  command.add_flag("-q,--quiet", options.quiet, "No progress");
}

}  // namespace ndb::cli
