// Retrieval for a language model: texts are cut into passages, found by meaning within one source, and put before the question.
//   rag_example FOLDER SOURCE QUESTION FILE...      SOURCE: only passages of this file's name are considered; "" for all
// The embedding is a stand-in that needs no model; put yours in its place.
#include <ndb/ndb.hpp>

#include <boost/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "examples/text_search/embedding.hpp"
#include "examples/text_search/passages.hpp"

namespace json = boost::json;
namespace text = ndb::text_search;

namespace {

template <class T>
T value(ndb::Result<T> result) {
  if (result) return std::move(*result);
  std::cerr << ndb::error_code_name(result.error().code) << ": " << result.error().message << '\n';
  std::exit(1);
}

// One atomic batch for each file: readers see all of a file's passages, or none.
void ingest(ndb::Collection& passages, const std::filesystem::path& file) {
  std::vector<ndb::Document> batch;
  for (const auto& passage : value(text::read_passages(file))) {
    const std::string source = file.filename();
    auto vector = text::embed(passage.text);
    if (std::ranges::all_of(vector, [](float x) { return x == 0; })) continue;  // no word in it
    batch.push_back({.id = source + ":" + std::to_string(passage.line), .vector = std::move(vector),
                     .payload = json::serialize(json::object{{"source", source}, {"line", passage.line}, {"text", passage.text}})});
  }
  value(passages.insert_batch(std::span<const ndb::Document>(batch)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return std::cerr << "rag_example FOLDER SOURCE QUESTION FILE...\n", 2;
  const std::string source = argv[2];
  const std::string question = argv[3];
  auto database = value(ndb::Database::open(argv[1]));
  auto passages = database.has_collection("passages") ? value(database.get_collection("passages"))
                                                       : value(database.create_collection("passages", {.dim = text::kDimensions}));
  for (int i = 4; i < argc; ++i) ingest(passages, argv[i]);

  ndb::Search search(text::embed(question));
  search.top_k(3).ef(128);
  if (!source.empty()) search.filter(ndb::Filter::eq("source", source));
  const auto found = value(passages.search(search));

  std::cout << "Answer the question from these passages of " << value(passages.count()) << ", and name those you used.\n\n";
  for (const ndb::Match& match : found)
    std::cout << '[' << match.id << "] " << json::value_to<std::string>(json::parse(match.payload).at("text")) << "\n\n";
  std::cout << "Question: " << question << '\n';
}
