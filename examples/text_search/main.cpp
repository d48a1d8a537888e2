// text_search: puts text files into nDB and finds passages by words, over HTTP.
//
//   text_search ingest FILES... --url http://127.0.0.1:7700      (a writer, or a reader that forwards)
//   text_search search WORDS... --url http://127.0.0.1:7701      (any reader)
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstdlib>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "examples/text_search/embedding.hpp"
#include "examples/text_search/passages.hpp"
#include "ipc/http/client.hpp"
#include "shared/base/result.hpp"

namespace {

using namespace ndb;
using text_search::Passage;

constexpr std::size_t kBatchDocuments = 200;
constexpr int kAttempts = 50;  // while the server says "later"
constexpr std::chrono::milliseconds kPause{100};

struct Options {
  std::string url = "http://127.0.0.1:7700";
  std::string collection = "texts";
  std::vector<std::string> files;
  std::vector<std::string> words;
  unsigned top_k = 3;
  std::uint64_t min_seq = 0;
};

http::Headers credentials() {
  const char* key = std::getenv("NDB_API_KEY");
  if (key == nullptr || *key == '\0') return {};
  return {{"Authorization", std::string("Bearer ") + key}};
}

std::string target(const Options& options, std::string_view rest) {
  return fmt::format("/v1/collections/{}{}", options.collection, rest);
}

// 429 and 503 mean "not now": the batch was not carried out, so sending it again is safe.
Result<boost::json::object> post(http::Client& client, const std::string& path, const std::string& body) {
  for (int attempt = 1;; ++attempt) {
    auto answer = client.call("POST", path, body, credentials());
    if (answer) return boost::json::parse(answer->body).as_object();
    const auto code = answer.error().code;
    const bool later = code == ErrorCode::overloaded || code == ErrorCode::unavailable || code == ErrorCode::replica_lagging;
    if (!later || attempt == kAttempts) return std::unexpected(std::move(answer).error());
    std::this_thread::sleep_for(kPause);
  }
}

Status create_collection(http::Client& client, const Options& options) {
  const std::string config = fmt::format(R"({{"dim":{},"distance":"cosine"}})", text_search::kDimensions);
  auto answer = client.call("PUT", target(options, ""), config, credentials());
  if (!answer && answer.error().code != ErrorCode::already_exists) return std::unexpected(std::move(answer).error());
  return {};
}

std::string vector_json(std::span<const float> vector) { return fmt::format("[{}]", fmt::join(vector, ",")); }

// Empty if no passage of the batch holds a word (a zero vector has no direction to compare).
std::string batch_json(std::span<const Passage> passages) {
  std::string documents;
  for (const Passage& passage : passages) {
    const std::vector<float> vector = text_search::embed(passage.text);
    if (std::ranges::all_of(vector, [](float value) { return value == 0.0F; })) continue;
    const boost::json::object payload = {{"file", passage.file}, {"line", passage.line}, {"text", passage.text}};
    documents += fmt::format(R"({}{{"id":{},"vector":{},"payload":{}}})", documents.empty() ? "" : ",",
                             boost::json::serialize(boost::json::string(fmt::format("{}:{}", passage.file, passage.line))),
                             vector_json(vector), boost::json::serialize(payload));
  }
  return documents.empty() ? documents : fmt::format(R"({{"documents":[{}]}})", documents);
}

Result<std::vector<Passage>> all_passages(const std::vector<std::string>& files) {
  std::vector<Passage> all;
  for (const std::string& file : files) {
    NDB_TRY_ASSIGN(auto passages, text_search::read_passages(file));
    all.insert(all.end(), std::make_move_iterator(passages.begin()), std::make_move_iterator(passages.end()));
  }
  return all;
}

Status ingest(const Options& options) {
  NDB_TRY_ASSIGN(const auto passages, all_passages(options.files));
  NDB_TRY_ASSIGN(auto client, http::Client::connect(options.url));
  NDB_TRY(create_collection(client, options));
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t seq = 0;
  for (std::size_t i = 0; i < passages.size(); i += kBatchDocuments) {
    const std::string body = batch_json(std::span(passages).subspan(i, std::min(kBatchDocuments, passages.size() - i)));
    if (body.empty()) continue;
    NDB_TRY_ASSIGN(const auto answer, post(client, target(options, "/documents"), body));
    seq = answer.at("seq").to_number<std::uint64_t>();
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("{} passages of {} files in {:.2f} s (seq {})\n", passages.size(), options.files.size(), seconds.count(), seq);
  return {};
}

void print_match(const boost::json::object& match) {
  const auto& payload = match.at("payload").as_object();
  std::string text(payload.at("text").as_string().c_str());
  if (text.size() > 110) {
    std::size_t end = 110;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;  // keep characters whole
    text = text.substr(0, end) + " …";
  }
  fmt::print("  {:.3f}  {}:{}\n         {}\n", match.at("score").to_number<double>(), payload.at("file").as_string().c_str(),
             payload.at("line").to_number<std::uint64_t>(), text);
}

Status search(const Options& options) {
  const std::string words = fmt::format("{}", fmt::join(options.words, " "));
  const std::vector<float> vector = text_search::embed(words);
  if (text_search::words_of(words).empty()) return fail(ErrorCode::invalid_argument, "there is no word to search for");
  NDB_TRY_ASSIGN(auto client, http::Client::connect(options.url));
  const std::string body = fmt::format(R"({{"vector":{},"top_k":{},"min_seq":{}}})", vector_json(vector), options.top_k, options.min_seq);
  NDB_TRY_ASSIGN(const auto answer, post(client, target(options, "/search"), body));
  for (const auto& match : answer.at("matches").as_array()) print_match(match.as_object());
  fmt::print("  at seq {}, in {:.1f} ms\n", answer.at("seq").to_number<std::uint64_t>(),
             answer.at("took_us").to_number<double>() / 1000.0);
  return {};
}

int run(const Status& status) {
  if (status) return 0;
  fmt::print(stderr, "text_search: {}: {}\n", error_code_name(status.error().code), status.error().message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app("Puts text files into nDB and finds passages by words.");
  app.require_subcommand(1);
  auto* ingest_command = app.add_subcommand("ingest", "cut files into passages and insert them");
  ingest_command->add_option("files", options.files, "text files")->required();
  auto* search_command = app.add_subcommand("search", "print the passages nearest to some words");
  search_command->add_option("words", options.words, "what to look for")->required();
  search_command->add_option("--top-k", options.top_k, "matches wanted")->check(CLI::Range(1, 10'000));
  search_command->add_option("--min-seq", options.min_seq, "wait until this write is visible");
  for (auto* command : {ingest_command, search_command}) {
    command->add_option("--url", options.url, "the daemon's address")->capture_default_str();
    command->add_option("--collection", options.collection, "its name")->capture_default_str();
  }
  CLI11_PARSE(app, argc, argv);
  return run(ingest_command->parsed() ? ingest(options) : search(options));
} catch (const std::exception& error) {
  fmt::print(stderr, "text_search: {}\n", error.what());
  return 1;
}
