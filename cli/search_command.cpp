#include <fmt/format.h>

#include "cli/answer.hpp"
#include "cli/command.hpp"
#include "cli/history/as_of.hpp"
#include "cli/options.hpp"
#include "cli/text.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "ipc/http/codec/request_codec.hpp"
#include "ndb/filter.hpp"
#include "shared/base/result.hpp"
#include "shared/io/vector_reader.hpp"

namespace ndb::cli {
namespace {

constexpr std::size_t kPayloadColumns = 100;

struct Query {
  std::string name, vector, vector_file, id, filter;
  std::uint64_t row = 0, min_seq = 0;
  std::uint32_t top_k = 10, ef = 0, timeout_ms = 0;
  double recall = 0.0;
  bool exact = false, with_vector = false, no_payload = false, explain = false;
  AsOfOptions as_of;
};

/// One row of a file, as JSON.
Result<std::string> read_row(const std::string& path, std::uint64_t row) {
  NDB_TRY_ASSIGN(const auto reader, io::VectorReader::open(path));
  io::Batch batch;
  for (;;) {
    NDB_TRY_ASSIGN(const bool more, reader->next(batch, 256));
    if (!more) return usage(fmt::format("{} has no row {}", path, row));
    if (row >= batch.first_row + batch.size()) continue;
    http::JsonWriter json;
    json.floats(batch.vector(static_cast<std::size_t>(row - batch.first_row)));
    return std::move(json).text();
  }
}

/// The vector of a document that is in the collection (as it was, if that is asked for), as JSON.
Result<std::string> read_document(Target& target, const Query& query) {
  http::JsonWriter json;
  json.begin_object().key("ids").begin_array().string(query.id).end_array().end_object();
  NDB_TRY_ASSIGN(const auto text, target.get(query.name, with_as_of(json.text(), query.as_of)));
  NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
  const auto& documents = array_at(answer, "documents");
  if (documents.empty()) return fail(ErrorCode::not_found, fmt::format("no document '{}' in '{}'", query.id, query.name));
  return boost::json::serialize(array_at(as_object(documents.front()), "vector"));
}

/// "0.1, 0.2" is as good as "[0.1, 0.2]".
std::string as_array(const std::string& numbers) {
  const auto first = numbers.find_first_not_of(" \t\n");
  return first != std::string::npos && numbers[first] == '[' ? numbers : "[" + numbers + "]";
}

Result<std::string> vector_of(const Query& query, Target& target) {
  if (!query.vector.empty()) return as_array(query.vector);
  if (!query.vector_file.empty()) return read_row(query.vector_file, query.row);
  return read_document(target, query);
}

Result<std::string> body_of(const Query& query, const std::string& vector) {
  http::JsonWriter json;
  json.begin_object().key("vector").raw(vector).field("top_k", query.top_k).field("approximate", !query.exact);
  if (query.ef > 0) json.field("ef", query.ef);
  if (query.recall != 0.0) json.field("recall", query.recall);
  if (!query.filter.empty()) json.key("filter").raw(query.filter);
  json.field("with_payload", !query.no_payload).field("with_vector", query.with_vector).field("explain", query.explain);
  if (query.min_seq > 0) json.field("min_seq", query.min_seq);
  if (query.timeout_ms > 0) json.field("timeout_ms", query.timeout_ms);
  json.end_object();
  // What was typed is checked here, where a slip is a usage error, and not only where it is used.
  if (const auto parsed = http::parse_search(json.text()); !parsed) {
    const auto& [code, message, field] = parsed.error();
    return usage(field.empty() || message.starts_with(field) ? message : fmt::format("{}: {}", field, message));
  }
  return std::move(json).text();
}

void print_matches(const Session& session, const Query& query, const boost::json::object& answer) {
  Table table({">RANK", ">SCORE", "ID", query.with_vector ? "VECTOR" : "", query.no_payload ? "" : "PAYLOAD"});
  std::size_t rank = 0;
  for (const auto& one : array_at(answer, "matches")) {
    const auto& match = as_object(one);
    table.add({std::to_string(++rank), short_number(number_at(match, "score")), printable(text_at(match, "id")),
               query.with_vector ? short_vector(array_at(match, "vector")) : "", shortened(payload_line(match), kPayloadColumns)});
  }
  if (rank > 0) session.streams.out << table.text();
  session.streams.out << fmt::format("{} matches in {} us (seq {}, manifest {})\n", rank, count_at(answer, "took_us"),
                                     count_at(answer, "seq"), count_at(answer, "manifest_version"));
  const auto& plan = object_at(answer, "plan");
  if (!plan.empty())
    session.streams.out << fmt::format("plan {}: {} distances, {} estimated, {} hops, {} bytes, {} rows let through ({} expected)\n",
                                       printable(text_at(plan, "plan")), grouped(count_at(plan, "distances")),
                                       grouped(count_at(plan, "estimated_distances")), grouped(count_at(plan, "hops")),
                                       grouped(count_at(plan, "bytes_touched")),
                                       grouped(count_at(plan, "rows_matched")), grouped(count_at(plan, "rows_estimated")));
}

Status search(const Session& session, const Query& query) {
  const int sources = !query.vector.empty() + !query.vector_file.empty() + !query.id.empty();
  if (sources != 1) return usage("give one of --vector, --vector-file and --id");
  if (!query.filter.empty())
    if (const auto filter = Filter::from_json(query.filter, "--filter"); !filter) return usage(filter.error().message);
  if (!query.vector.empty()) NDB_TRY(body_of(query, as_array(query.vector)));
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::read));
  NDB_TRY_ASSIGN(const auto vector, vector_of(query, *target));
  NDB_TRY_ASSIGN(const auto body, body_of(query, vector));
  NDB_TRY_ASSIGN(const auto text, target->search(query.name, with_as_of(body, query.as_of)));
  if (session.json) return session.print_json(text), Status{};
  NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
  print_matches(session, query, answer);
  tell_as_of(session, answer);
  return {};
}

void declare_search(CLI::App& command, Query& query) {
  add_collection_name(command, query.name);
  command.add_option("--vector", query.vector, "The query: 0.1,0.2,… or a JSON array")->type_name("NUMBERS");
  command.add_option("--vector-file", query.vector_file, "The query from a file that import can read")->type_name("FILE");
  command.add_option("--row", query.row, "Which row of --vector-file, from 0 [0]")->type_name("N");
  command.add_option("--id", query.id, "The query is this document's vector (it will match itself)")->type_name("ID");
  command.add_option("-k,--top-k", query.top_k, "Matches wanted, 1 to 10000 [10]")->type_name("N");
  command.add_option("--ef", query.ef, "Candidates while searching: more finds more and takes longer")->type_name("N");
  command.add_option("--recall", query.recall, "Instead of --ef: share of the true nearest to find, such as 0.99")->type_name("SHARE");
  command.add_flag("--exact", query.exact, "Compare with every vector instead of using the graph");
  command.add_option("--filter", query.filter, "Only what matches, such as '{\"year\":{\"$gte\":2020}}'")->type_name("JSON");
  command.add_flag("--with-vector", query.with_vector, "Show the vectors of the matches");
  command.add_flag("--no-payload", query.no_payload, "Leave the payloads out");
  command.add_option("--min-seq", query.min_seq, "Wait until this write is visible")->type_name("SEQ");
  command.add_option("--timeout-ms", query.timeout_ms, "Milliseconds to wait for --min-seq [1000]")->type_name("MS");
  command.add_flag("--explain", query.explain, "Tell how the answer was computed");
  add_as_of_options(command, query.as_of);
  command.footer("Examples:\n  ndb search docs --vector '[0.1, 0.7, 0.2]' --top-k 3\n"
                 "  ndb search docs --vector-file queries.fvecs --row 17 --exact");
}

}  // namespace

void add_search_command(CLI::App& app, Session& session, Action& action) {
  add_command<Query>(app, action, "search", "Find the documents that are most like a vector", declare_search,
                     [&](Query& query) { return search(session, query); });
}

}  // namespace ndb::cli
