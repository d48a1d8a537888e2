// The route that pushes the log to readers on other hosts.
#include "bindings/http/push/remote_log.hpp"
#include "bindings/http/routes.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {
namespace {

struct Question {
  writer::WalPlace place;
  std::chrono::milliseconds wait{0};
};

Status take(std::string_view name, std::string_view value, Question& question) {
  if (name == "file") {
    const auto file = format::parse_wal_name(value);
    if (!file) return fail(ErrorCode::invalid_argument, "must be the name of a WAL file: two numbers of 20 digits, as in 00…01-00…00.wal", "file");
    question.place.file = *file;
    return {};
  }
  const auto number = format::parse_number(value);
  if (name != "offset" && name != "manifest" && name != "wait_ms") return fail(ErrorCode::invalid_argument, "unknown query parameter", std::string(name));
  if (!number) return fail(ErrorCode::invalid_argument, "must be a whole number", std::string(name));
  if (name == "offset") question.place.offset = *number;
  if (name == "manifest") question.place.manifest = ManifestVersion{*number};
  if (name != "wait_ms") return {};
  const auto longest = static_cast<std::uint64_t>(RemoteLog::kLongestWait.count());
  if (*number > longest) return fail(ErrorCode::invalid_argument, "must be at most " + std::to_string(longest), "wait_ms");
  question.wait = std::chrono::milliseconds(*number);
  return {};
}

Result<Question> parse_question(const Target& target) {
  if (!target.query_value("file")) return fail(ErrorCode::invalid_argument, "is missing", "file");
  Question question;
  for (const auto& [name, value] : target.query) NDB_TRY(take(name, value, question));
  return question;
}

Response answer_of(const writer::WalChunk& chunk) {
  Response response{.status = 200, .headers = {{std::string(kManifestVersionHeader), std::to_string(chunk.manifest.value)}}, .body = {}};
  if (chunk.next) response.headers.push_back({std::string(kNextFileHeader), wal_file_text(*chunk.next)});
  response.body = base::as_text(chunk.bytes);
  response.content_type = "application/octet-stream";
  return response;
}

}  // namespace

// No thread is held while there is nothing to say: the feed keeps the right to answer.
void Routes::run_wal(Call&& call, Responder responder) {
  std::move(responder).run(Lane::blocking, [this, own = std::move(call)](Responder answer) mutable {
    const auto question = parse_question(own.target);
    if (!question) return finish(own, std::move(answer), std::unexpected(question.error()));
    const auto feed = backend_.feed(own.collection);
    if (!feed) return finish(own, std::move(answer), std::unexpected(feed.error()));
    const auto deadline = writer::WalFeed::Clock::now() + question->wait;
    (*feed)->when_more(question->place, deadline,
                       [this, waited = std::move(own), later = std::move(answer)](Result<writer::WalChunk> chunk) mutable {
                         finish(waited, std::move(later), chunk ? Result<Response>(answer_of(*chunk)) : std::unexpected(chunk.error()));
                       });
  });
}

}  // namespace ndb::http
