#include "cli/collection_text.hpp"
#include "tests/unit/cli/tool.hpp"

#include <regex>

using namespace tool;
namespace json = boost::json;

namespace {

const std::string kDocuments =
    "{\"id\":\"a\",\"vector\":[1,0,0],\"payload\":{\"year\":2020,\"tag\":\"x\"}}\n"
    "{\"id\":\"b\",\"vector\":[0,1,0],\"payload\":{\"year\":2021}}\n"
    "{\"id\":\"c\\u001b[31m\",\"vector\":[0.9,0.1,0]}\n";

std::vector<std::string> ids(const json::object& answer) {
  std::vector<std::string> found;
  for (const auto& match : answer.at("matches").as_array()) found.emplace_back(match.at("id").as_string());
  return found;
}

void fill(const Tool& tool) {
  tool.ok({"create", "docs", "--dim", "3"});
  tool.ok({"import", "docs", tool.file("docs.jsonl", kDocuments), "-q"});
}

}  // namespace

TEST_CASE("the life of a collection, on a folder and on a server") {
  for (const Over over : {Over::folder, Over::server}) {
    CAPTURE(over == Over::server);
    const Tool tool(over);
    CHECK(tool.json({"create", "docs", "--dim", "3", "--distance", "cosine", "--hnsw-ef", "77"}).at("dim") == 3);
    const auto again = tool({"create", "docs", "--dim", "3"});
    CHECK(again.code == 1);
    CHECK(again.err.starts_with("ndb: "));

    const auto imported = tool.json({"import", "docs", tool.file("docs.jsonl", kDocuments)});
    CHECK(imported.at("rows") == 3);
    CHECK(imported.at("inserted") == 3);
    CHECK(tool.json({"import", "docs", tool.file("docs.jsonl", kDocuments)}).at("replaced") == 3);
    CHECK(tool.json({"count", "docs"}).at("count") == 3);
    CHECK(tool.json({"count", "docs", "--filter", R"({"year":{"$gte":2021}})"}).at("count") == 1);

    const auto listed = tool.json({"list"}).at("collections").as_array();
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].at("documents") == 3);

    CHECK(ids(tool.json({"search", "docs", "--vector", "[1,0,0]", "-k", "2"})) == std::vector<std::string>{"a", "c\x1b[31m"});
    CHECK(ids(tool.json({"search", "docs", "--id", "b", "--exact", "-k", "1"})) == std::vector<std::string>{"b"});
    CHECK(ids(tool.json({"search", "docs", "--vector-file", tool.file("q.csv", "0,1,0\n1,0,0\n"), "--row", "1", "-k", "1"})) ==
          std::vector<std::string>{"a"});
    CHECK(ids(tool.json({"search", "docs", "--vector", "[1,0,0]", "--filter", R"({"tag":{"$ne":"x"}})", "--min-seq", "1"})) ==
          std::vector<std::string>{"c\x1b[31m", "b"});

    const auto got = tool.json({"get", "docs", "b"});
    CHECK(got.at("documents").as_array()[0].at("payload").at("year") == 2021);
    const auto missing = tool({"get", "docs", "a", "zz"});
    CHECK(missing.code == 1);
    CHECK(missing.out.find("id       a\n") != std::string::npos);
    CHECK(missing.err == "ndb: no document 'zz'\n");

    CHECK(tool.json({"flush", "docs"}).contains("manifest_version"));
    CHECK(tool.json({"index", "build", "docs"}).contains("manifest_version"));
    CHECK(tool.json({"index", "drop", "docs"}).contains("manifest_version"));
    CHECK(tool.json({"compact", "docs"}).contains("manifest_version"));
    CHECK(tool.json({"manifest", "docs"}).contains("segments"));
    CHECK(tool.json({"stats", "docs"}).at("hnsw").at("ef_search") == 77);
    CHECK(tool.json({"replicas", "docs"}).contains("replicas"));

    CHECK(tool.json({"delete", "docs", "a", "zz"}).at("deleted") == 1);
    CHECK(tool.json({"delete", "docs", "--filter", R"({"year":2021})"}).at("deleted") == 1);
    CHECK(tool({"delete", "docs", "--filter", "{}"}).code == 2);
    CHECK(tool.json({"delete", "docs", "--filter", "{}", "--all"}).at("deleted") == 1);

    CHECK(tool({"drop", "docs"}).code == 2);
    CHECK(tool.json({"drop", "docs", "--yes"}).at("deleted") == true);
    CHECK(tool({"stats", "docs"}).code == 1);
  }
}

TEST_CASE("what people read names things and never passes control characters on") {
  const Tool tool;
  CHECK(tool.ok({"list"}).out.find("ndb create") != std::string::npos);
  fill(tool);
  const auto list = tool.ok({"list"}).out;
  CHECK(list == "NAME  DIM  DISTANCE  DOCUMENTS\ndocs    3  cosine            3\n");
  const auto search = tool.ok({"search", "docs", "--vector", "[1,0,0]", "--explain", "--with-vector"}).out;
  CAPTURE(search);
  CHECK(search.find('\x1b') == std::string::npos);
  CHECK(search.find("c\\x1b[31m") != std::string::npos);
  CHECK(search.find("3 matches in ") != std::string::npos);
  CHECK(search.find("plan ") != std::string::npos);
}

TEST_CASE("stats and the manifest are tables for people, and the same JSON as ever for machines") {
  for (const Over over : {Over::folder, Over::server}) {
    const Tool tool(over);
    fill_two_segments(tool);
    const auto stats = tool.ok({"stats", "docs"}).out;
    CAPTURE(stats);
    for (const char* line : {"COLLECTION    docs\n", "documents     1,500\n", "deleted rows  2 (0.1 %)\n", "vectors       3 x float32, cosine\n",
                             "hnsw          m 16, ef_construct 200, ef_search 64, quantization auto\n", "attributes    all fields\n",
                             "seq           1,504 (1,503 in segments, 1 in the log)\n", " s ago)\n", "\nSEGMENT  "})
      CHECK(stats.find(line) != std::string::npos);
    CHECK(std::regex_search(stats, std::regex("\nall +1,50")));
    const auto shown = tool.ok({"manifest", "docs"}).out;
    CAPTURE(shown);
    for (const char* line : {"MANIFEST     ", "collection   docs, uid ", " UTC (", "indexing     on\n", "in segments  everything up to seq 1,503\n",
                             "\nSEGMENT  ", "  VECTORS  ", "LOG  EPOCH  FILE  STATE\n"})
      CHECK(shown.find(line) != std::string::npos);
    for (const auto& text : {stats, shown})
      for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; ++at) CHECK((at == 0 || text[at - 1] != ' '));
    const auto json = tool.json({"stats", "docs"});
    for (const char* field : {"name", "dim", "distance", "durability", "hnsw", "attributes", "documents", "deleted", "seq", "flushed_seq", "manifest_version", "epoch",
                              "writable", "segments", "index", "memtable", "bytes"})
      CHECK(json.contains(field));
    const auto manifest = tool.json({"manifest", "docs"});
    for (const char* field : {"version", "epoch", "collection_uid", "name", "created_unix_ms", "dim", "distance", "durability", "hnsw", "attributes", "index_enabled",
                              "flushed_seq", "segments", "wals"})
      CHECK(manifest.contains(field));
  }
}

TEST_CASE("stats and the manifest of an empty collection have no empty tables") {
  const Tool tool;
  tool.ok({"create", "docs", "--dim", "3", "--attributes-only", "tag,year"});
  const auto stats = tool.ok({"stats", "docs"}).out, manifest = tool.ok({"manifest", "docs"}).out;
  CHECK(stats.find("SEGMENT") == std::string::npos);
  CHECK(stats.find("attributes    only tag, year\n") != std::string::npos);
  CHECK(manifest.find("SEGMENT") == std::string::npos);
}

TEST_CASE("ages are told in the largest unit that says enough") {
  constexpr std::uint64_t now = 1'800'000'000'000;
  const auto ago = [](std::uint64_t seconds) { return ndb::cli::human_age(now - seconds * 1000, now); };
  CHECK(ago(0) == "0 s ago");
  CHECK(ago(119) == "119 s ago");
  CHECK(ago(120) == "2 min ago");
  CHECK(ago(7'199) == "119 min ago");
  CHECK(ago(7'200) == "2 h ago");
  CHECK(ago(2 * 86'400) == "2 days ago");
  CHECK(ndb::cli::human_age(now + 500, now) == "0 s ago");  // clocks differ a little
  CHECK(ndb::cli::human_age(now + 60'000, now) == "in the future");
}

TEST_CASE("what is exported is imported again") {
  const Tool tool;
  fill(tool);
  const auto exported = tool.ok({"export", "docs"}).out;
  tool.ok({"import", "copy", tool.file("copy.jsonl", exported), "--create", "-q"});
  CHECK(tool.ok({"export", "copy"}).out == exported);
  CHECK(std::ranges::count(exported, '\n') == 3);
  CHECK(std::ranges::count(tool.ok({"export", "docs", "--filter", R"({"tag":"x"})"}).out, '\n') == 1);
}

TEST_CASE("a wrong call ends with 2 and says where to look") {
  const Tool tool;
  fill(tool);
  const std::vector<std::vector<std::string>> calls{
      {},
      {"nonsense"},
      {"create", "docs2"},
      {"create", "a/b", "--dim", "3"},
      {"create", "docs2", "--dim", "0"},
      {"create", "docs2", "--dim", "3", "--distance", "l2"},
      {"create", "docs2", "--dim", "3", "--hnsw-m", "1"},
      {"search", "docs"},
      {"search", "docs", "--vector", "[1,0,0]", "--id", "a"},
      {"search", "docs", "--vector", "1,0,x"},
      {"search", "docs", "--vector", "[1,0,\"0\"]"},
      {"search", "docs", "--vector", "[1,0,0]", "--top-k", "0"},
      {"search", "docs", "--vector", "[1,0,0]", "--filter", R"({"a":{"$x":1}})"},
      {"count", "docs", "--filter", "{"},
      {"get", "docs"},
      {"delete", "docs"},
      {"delete", "docs", "a", "--filter", "{}"},
      {"import", "docs"},
      {"index", "docs"},
      {"flush", "docs", "--no-wait"},
      {"list", "--url", "http://127.0.0.1:1"},
      {"list", "--timeout", "0"},
  };
  for (const auto& words : calls) {
    CAPTURE(words);
    const auto answer = tool(words);
    CHECK(answer.code == 2);
    CHECK(answer.err.starts_with("ndb: "));
    CHECK(answer.out.empty());
  }
  CHECK(tool({"search", "docs", "--vector", "[1,0,0]", "--filter", R"({"a":{"$x":1}})"}).err.find("--filter.a.$x") != std::string::npos);
  CHECK(tool({"search", "docs", "--vector", "[1,0,\"0\"]"}).err.find("vector[2]: must be a number") != std::string::npos);
  CHECK(tool({"nonsense"}).err.find("no command 'nonsense'") != std::string::npos);
  CHECK(tool({"search", "docs", "--nonsense"}).err.find("see ndb search --help") != std::string::npos);
}

TEST_CASE("what fails ends with 1, in JSON if asked for") {
  const Tool tool;
  fill(tool);
  CHECK(tool({"search", "docs", "--vector", "[1,0]"}).code == 1);
  CHECK(tool({"search", "docs", "--id", "zz"}).err.find("no document 'zz'") != std::string::npos);
  CHECK(tool({"search", "nothere", "--vector", "[1,0]"}).err.find("ndb list") != std::string::npos);
  const auto no_file = tool({"search", "docs", "--vector-file", "/nonexistent.npy"});
  CHECK(no_file.code == 1);
  CHECK(no_file.err.find("ndb list") == std::string::npos);
  CHECK(ids(tool.json({"search", "docs", "--vector", "1, 0, 0"})) == ids(tool.json({"search", "docs", "--vector", "[1,0,0]"})));
  const auto answer = tool({"stats", "nothere", "--json"});
  CHECK(answer.code == 1);
  CHECK(json::parse(answer.err).at("error").at("code") == "not_found");
  const auto nobody = Tool::call({"list", "--url", "http://127.0.0.1:1"});
  CHECK(nobody.code == 1);
  CHECK(nobody.err.find("is ndb-writer or ndb-reader running at http://127.0.0.1:1?") != std::string::npos);
}

TEST_CASE("the folder comes from the flag, the variable or ./data, and never from two places") {
  const Tool tool;
  fill(tool);
  CHECK(Tool::call({"count", "docs"}, {{"NDB_DATA_DIR", tool.data_dir()}}).out == "3\n");
  CHECK(Tool::call({"--data-dir", tool.data_dir(), "count", "docs"}, {{"NDB_DATA_DIR", "/nonexistent"}}).out == "3\n");
  CHECK(Tool::call({"count", "docs"}, {{"NDB_DATA_DIR", tool.data_dir()}, {"NDB_URL", "http://x"}}).code == 2);
  CHECK(Tool::call({"count", "docs", "--data-dir", tool.data_dir()}, {{"NDB_URL", "http://x"}}).out == "3\n");
}

TEST_CASE("a folder can be read while a server writes to it") {
  const Tool server(Over::server);
  fill(server);
  const auto beside = Tool::call({"count", "docs", "--data-dir", server.data_dir()});
  CHECK(beside.out == "3\n");
}

TEST_CASE("help and version go to standard output") {
  const auto help = Tool::call({"--help"});
  CHECK(help.code == 0);
  for (const char* word : {"create", "import", "search", "verify", "--json", "Examples"}) CHECK(help.out.find(word) != std::string::npos);
  for (const char* command : {"create", "list", "drop", "stats", "manifest", "import", "get", "delete", "count", "export", "search",
                              "flush", "compact", "index", "replicas", "verify"}) {
    const auto one = Tool::call({command, "--help"});
    CAPTURE(command, one.err);
    CHECK(one.code == 0);
    CHECK_FALSE(one.out.empty());
  }
  CHECK(Tool::call({"--version"}).out.starts_with("ndb "));
  CHECK(Tool::call({"version"}).out == Tool::call({"--version"}).out);
  CHECK(Tool::call({"version", "--json"}).json().contains("version"));
}
