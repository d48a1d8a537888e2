// nDB inside a program: create, insert, search with a filter, open again.   embedded_example [FOLDER]
#include <ndb/ndb.hpp>

#include <cstdlib>
#include <iostream>
#include <span>
#include <string>
#include <vector>

namespace {

// Ends the program with the error, or gives the value.
template <class T>
T value(ndb::Result<T> result) {
  if (result) return std::move(*result);
  std::cerr << ndb::error_code_name(result.error().code) << ": " << result.error().message << '\n';
  std::exit(1);
}

ndb::Collection colours(const ndb::Database& database) {
  if (database.has_collection("colours")) return value(database.get_collection("colours"));
  auto writable = database;  // copies share one engine
  return value(writable.create_collection("colours", {.dim = 3, .distance = ndb::Distance::cosine}));
}

std::vector<ndb::Document> some_colours() {
  std::vector<ndb::Document> documents(4);
  documents[0] = {.id = "red", .vector = {1.0F, 0.0F, 0.0F}, .payload = R"({"warm": true, "wavelength_nm": 700})"};
  documents[1] = {.id = "orange", .vector = {1.0F, 0.6F, 0.0F}, .payload = R"({"warm": true, "wavelength_nm": 600})"};
  documents[2] = {.id = "green", .vector = {0.0F, 1.0F, 0.0F}, .payload = R"({"warm": false, "wavelength_nm": 530})"};
  documents[3] = {.id = "blue", .vector = {0.0F, 0.0F, 1.0F}, .payload = R"({"warm": false, "wavelength_nm": 470})"};
  return documents;
}

void print(const std::string& title, const ndb::SearchResult& result) {
  std::cout << title << '\n';
  for (const ndb::Match& match : result) std::cout << "  " << match.id << "  " << match.score << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : "./data";
  const std::vector<float> query{0.9F, 0.3F, 0.1F};
  {
    auto database = value(ndb::Database::open(folder));
    auto collection = colours(database);
    const std::vector<ndb::Document> documents = some_colours();
    const auto written = value(collection.insert_batch(std::span(documents)));
    std::cout << "written, up to seq " << written.seq.value << '\n';
    print("nearest to a warm red:", value(collection.search(ndb::Search{query}.top_k(2))));
  }
  auto database = value(ndb::Database::open(folder, {.read_only = true}));
  const auto filter = ndb::Filter::eq("warm", false) && ndb::Filter::lte("wavelength_nm", 500);
  print("the same, opened again and read-only, of cold colours only:",
        value(colours(database).search(ndb::Search{query}.top_k(2).filter(filter))));
}
