#include "cli/bench/companion.hpp"
#include "cli/bench/measurement.hpp"
#include "cli/bench/recall_plot.hpp"
#include "tests/support/must.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/unit/cli/tool.hpp"

using namespace tool;
using namespace ndb::cli;
namespace fs = std::filesystem;

namespace {

std::string beside(const Tool& tool, const std::string& name) { return (fs::path(tool.data_dir()).parent_path() / name).string(); }

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// Rows with a payload, of which every 100th is no document.
std::string rows(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i)
    lines += i % 100 == 99 ? "broken\n"
                           : "{\"id\":\"r" + std::to_string(i) + "\",\"vector\":[" + std::to_string(i % 37) + "," + std::to_string(i % 11 + 1) + "," +
                                 std::to_string(i) + "],\"payload\":{\"n\":" + std::to_string(i % 4) + "}}\n";
  return lines;
}

}  // namespace

TEST_CASE("a bench of a file tells recall, rates, ingest and freshness, and leaves nothing behind") {
  const Tool tool;
  const auto work = beside(tool, "work"), out = beside(tool, "curve");
  fs::create_directory(work);
  const auto file = tool.file("rows.jsonl", rows(2'000));
  const auto answer = tool.json({"bench", file, "--work-dir", work, "--out", out, "--distance", "euclidean", "--ef", "5,10,64", "--recall", "0.95", "--passes", "2",
                                 "--inserts", "20", "--sample", "50", "--threads", "2", "-q"});
  CHECK(answer.at("data").at("source") == "rows.jsonl");
  CHECK(answer.at("data").at("rows") == 1'930);  // without 20 broken lines and 50 that are held out
  CHECK(answer.at("data").at("queries") == 50);
  CHECK(answer.at("data").at("held_out") == true);
  CHECK(answer.at("data").at("distance") == "euclidean");
  CHECK(answer.at("index").at("indexed_rows") == 1'930);
  CHECK(answer.at("ingest").at("rows_per_second").to_number<double>() > 0);
  CHECK(answer.at("freshness").at("inserts") == 20);
  CHECK(answer.at("freshness").at("p50_ms").to_number<double>() <= answer.at("freshness").at("max_ms").to_number<double>());
  std::vector<std::string> how;
  for (const auto& point : answer.at("searches").as_array()) {
    how.emplace_back(point.at("search").as_string());
    CHECK(point.at("recall").to_number<double>() > 0.8);
    CHECK(point.at("recall").to_number<double>() <= 1.0);
    CHECK(point.at("queries_per_second").to_number<double>() > 0);
    CHECK(point.at("p50_us").to_number<double>() <= point.at("p99_us").to_number<double>());
  }
  CHECK(how == std::vector<std::string>{"ef 10", "ef 64", "recall 0.95", "exact"});  // an ef below top_k is no other search
  const auto csv = content(out + ".csv");
  CHECK(csv.starts_with("search,ef,wanted_recall,top_k,recall,queries_per_second,p50_us,p99_us\nef 10,10,,10,"));
  CHECK(std::ranges::count(csv, '\n') == 5);
  const auto svg = content(out + ".svg");
  CHECK(svg.starts_with("<svg "));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find("rows.jsonl: 1,930 rows x 3, euclidean") != std::string::npos);
  CHECK(fs::is_empty(work));
  CHECK_FALSE(fs::exists(tool.data_dir()));
}

TEST_CASE("a bench of a collection takes its settings, and does not touch it") {
  const Tool tool;
  tool.ok({"create", "docs", "--dim", "3", "--distance", "dot", "--hnsw-m", "8"});
  tool.ok({"import", "docs", tool.file("rows.jsonl", rows(1'500)), "--flush", "-q", "--rejects", beside(tool, "rejects")});
  std::map<fs::path, fs::file_time_type> before;
  const auto look = [&] {
    std::map<fs::path, fs::file_time_type> files;
    for (const auto& entry : fs::recursive_directory_iterator(tool.data_dir())) files[entry.path()] = entry.last_write_time();
    return files;
  };
  before = look();
  const auto queries = tool.file("queries.csv", "1,2,3\n4,5,6\n3,3,3\n");
  const auto text = tool.ok({"bench", "docs", "--queries", queries, "--ef", "32", "--passes", "1", "--inserts", "3", "-q", "--filter", R"({"n":{"$lt":2}})"}).out;
  INFO(text);
  CHECK(text.find("docs: 1,485 rows x 3, dot\n") != std::string::npos);
  CHECK(text.find("3 from a file") != std::string::npos);
  CHECK(text.find("SEARCH") != std::string::npos);
  CHECK(look() == before);
  CHECK(tool.json({"bench", "docs", "--rows", "100", "--inserts", "0", "--passes", "1"}).at("data").at("rows") == 90);
}

TEST_CASE("a bench says what is wrong, and removes what it made") {
  const Tool tool;
  const auto work = beside(tool, "work");
  fs::create_directory(work);
  const auto file = tool.file("rows.jsonl", rows(50));
  const auto fails = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"bench", "--work-dir", work, "-q"});
    const auto answer = tool(words);
    CHECK(fs::is_empty(work));
    CHECK(answer.out.empty());
    return answer.err;
  };
  CHECK(fails({"nothere"}).find("no collection 'nothere'") != std::string::npos);
  CHECK(fails({"nothere.npy"}).find("nothere.npy") != std::string::npos);
  CHECK(fails({file, "--filter", R"({"n":77})"}).find("no row matches the filter") != std::string::npos);
  CHECK(fails({file, "--filter", "{"}).find("--filter") != std::string::npos);
  CHECK(fails({file, "--queries", tool.file("wide.csv", "1,2,3,4\n")}).find("have 3") != std::string::npos);
  CHECK(fails({tool.file("none.jsonl", "broken\n")}).find("ndb: ") == 0);
  CHECK(fails({file, "--ef", "0"}).find("see ndb bench --help") != std::string::npos);
}

TEST_CASE("recall counts what is found of the true nearest, and what is as near") {
  const auto match = [](const char* id, float score) { return ndb::Match{.id = id, .score = score}; };
  const Matches truth{{match("a", 1), match("b", 2)}, {match("c", 1)}, {}};
  CHECK(recall_of(truth, truth, ndb::Distance::euclidean) == 1.0);
  CHECK(recall_of({{match("a", 1), match("x", 3)}, {match("y", 5)}, {}}, truth, ndb::Distance::euclidean) == Approx(1.0 / 3));
  CHECK(recall_of({{match("a", 1), match("twin of b", 2)}, {match("c", 1)}, {}}, truth, ndb::Distance::euclidean) == 1.0);
  CHECK(recall_of({{match("a", 1), match("x", 1)}, {}, {}}, {{match("a", 5), match("b", 4)}, {match("c", 1)}, {}}, ndb::Distance::dot) == Approx(1.0 / 3));
  CHECK(recall_of({{}}, {{}}, ndb::Distance::dot) == 0.0);
  CHECK(quantile({}, 0.5) == 0.0);
  CHECK(quantile({3, 1, 2}, 0.5) == 2.0);
  CHECK(quantile({3, 1, 2}, 1.0) == 3.0);
}

TEST_CASE("another process sees each insert, and removes the folder in the end") {
  const ndb::test::TempFolder folder;
  auto companion = ndb::test::must(Companion::start(folder.path()));
  REQUIRE_FALSE(fs::is_empty(folder.path()));
  auto database = ndb::test::must(ndb::Database::open(companion->data_dir()));
  auto collection = ndb::test::must(database.create_collection("docs", {.dim = 2}));
  for (int round = 0; round < 2; ++round) {
    const auto delays = ndb::test::must(companion->measure_freshness(collection, {{1, 2}, {3, 4}}, 30));
    CHECK(delays.size() == 30);
    CHECK(std::ranges::all_of(delays, [](double delay) { return delay >= 0 && delay < 10'000; }));
  }
  CHECK(ndb::test::must(collection.stats()).seq.value == 60);
  CHECK(database.close());
  companion.reset();
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("a picture is well-formed whatever names are in it") {
  const auto svg = recall_plot("<a&b>", {{.name = "1<2", .points = {{0.9, 100, "10"}, {1.0, 10}}}}, "note");
  CHECK(svg.find("&lt;a&amp;b&gt;") != std::string::npos);
  CHECK(svg.find("1&lt;2") != std::string::npos);
  CHECK(svg.find("nan") == std::string::npos);
}
