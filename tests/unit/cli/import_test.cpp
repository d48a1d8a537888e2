#include <cstring>

#include "cli/progress.hpp"
#include "tests/unit/cli/tool.hpp"

using namespace tool;

namespace {

std::string fvecs(const std::vector<std::vector<float>>& rows) {
  std::string bytes;
  for (const auto& row : rows) {
    const auto dim = static_cast<std::int32_t>(row.size());
    bytes.append(reinterpret_cast<const char*>(&dim), sizeof dim);
    bytes.append(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(float));
  }
  return bytes;
}

}  // namespace

TEST_CASE("ids and payloads come from files beside the vectors") {
  for (const Over over : {Over::folder, Over::server}) {
    const Tool tool(over);
    const auto vectors = tool.file("v.fvecs", fvecs({{1, 0}, {0, 1}, {1, 1}}));
    const auto ids = tool.file("ids.txt", "x\r\ny\nz\n");
    const auto payloads = tool.file("p.jsonl", "{\"n\":1}\n\nnull\n");
    tool.ok({"import", "docs", vectors, "--ids", ids, "--payloads", payloads, "--create", "--distance", "dot", "--batch-rows", "2",
             "--id-prefix", "p-", "--flush"});
    const auto got = tool.json({"get", "docs", "p-x", "p-y", "p-z"});
    const auto& documents = got.at("documents").as_array();
    REQUIRE(documents.size() == 3);
    CHECK(documents[0].at("payload").at("n") == 1);
    CHECK(documents[1].at("payload").is_null());
    CHECK(documents[2].at("vector").as_array().size() == 2);
    CHECK(tool.json({"stats", "docs"}).at("distance") == "dot");
    CHECK(tool.json({"stats", "docs"}).at("segments").as_array().size() == 1);
  }
}

TEST_CASE("vectors without ids are named by their row") {
  const Tool tool;
  tool.ok({"import", tool.file("v.csv", "1,0\n0,1\n"), "--collection", "docs", "--create"});
  CHECK(tool.ok({"export", "docs"}).out.starts_with("{\"id\":\"0\""));
}

TEST_CASE("many rows arrive whole, in batches") {
  const Tool tool;
  std::string csv;
  for (int i = 0; i < 5000; ++i) csv += std::to_string(i + 1) + "," + std::to_string(i % 7) + "\n";
  const auto answer = tool.json({"import", "docs", tool.file("v.csv", csv), "--create", "--batch-rows", "97"});
  CHECK(answer.at("rows") == 5000);
  CHECK(answer.at("inserted") == 5000);
  CHECK(answer.at("seq") == 5000);
  CHECK(tool.json({"count", "docs"}).at("count") == 5000);
}

TEST_CASE("side files of another length are refused where they differ") {
  const Tool tool;
  const auto vectors = tool.file("v.fvecs", fvecs({{1, 0}, {0, 1}}));
  const auto few = tool({"import", "docs", vectors, "--ids", tool.file("few.txt", "x\n"), "--create"});
  CHECK(few.code == 1);
  CHECK(few.err.find("few.txt: ends before row 2") != std::string::npos);
  const auto many = tool({"import", "docs", vectors, "--payloads", tool.file("many.jsonl", "{}\n{}\n{}\n"), "--create"});
  CHECK(many.code == 1);
  CHECK(many.err.find("has more lines than there are vectors") != std::string::npos);
}

TEST_CASE("an import that fails says which rows are in, and goes on from there") {
  const Tool tool;
  std::string lines;
  for (int i = 1; i <= 3000; ++i) lines += std::to_string(i) + ",1\n";
  const auto failed = tool({"import", "docs", tool.file("v.csv", lines + "4,x\n"), "--create", "--batch-rows", "500"});
  CHECK(failed.code == 1);
  CHECK(failed.err.find("line 3001: column 2 is no number") != std::string::npos);
  const auto skip = failed.err.find("--skip ");
  REQUIRE(skip != std::string::npos);
  const std::string rows = failed.err.substr(skip + 7, failed.err.find('\n', skip) - skip - 7);
  CHECK(tool.json({"count", "docs"}).at("count") == std::stoi(rows));
  const auto good = tool.file("v.csv", lines);
  CHECK(tool.json({"import", "docs", good, "--skip", rows}).at("replaced") == 0);
  CHECK(tool.json({"count", "docs"}).at("count") == 3000);
  CHECK(tool({"import", "docs", good, "--skip", "3001"}).code == 1);
}

TEST_CASE("what the engine refuses is told in rows of the file") {
  const Tool tool;
  tool.ok({"create", "docs", "--dim", "2"});
  const auto zero = tool({"import", "docs", tool.file("v.csv", "1,1\n2,2\n0,0\n"), "--batch-rows", "2"});
  CHECK(zero.code == 1);
  CHECK(zero.err.find("rows 2 to 2 were not taken") != std::string::npos);
  CHECK(tool.json({"count", "docs"}).at("count") == 2);
  const auto wide = tool({"import", "docs", tool.file("w.csv", "1,1,1\n")});
  CHECK(wide.code == 1);
  CHECK(tool({"import", "missing", tool.file("v.csv", "1,1\n")}).code == 1);
  CHECK(tool({"import", "docs", "/nonexistent.npy"}).code == 1);
}

TEST_CASE("progress is a bar on a terminal and a line now and then elsewhere") {
  using namespace std::chrono;
  steady_clock::time_point now{};
  const auto clock = [&] { return now; };
  const ndb::cli::Done half{.rows = 500, .rows_total = 1000, .bytes = 0, .bytes_total = 0};
  CHECK(ndb::cli::Progress::line(half, 2.0) == "[============>           ]  50 %  500 of 1,000 rows, 250 rows/s, 0:02 left");
  CHECK(ndb::cli::Progress::line({.rows = 10, .rows_total = {}, .bytes = 50, .bytes_total = 100}, 1.0) ==
        "[============>           ]  50 %  10 rows, 10 rows/s, 0:01 left");
  CHECK(ndb::cli::Progress::line({}, 0.0) == "[>                       ]   0 %  0 rows, 0 rows/s");

  std::ostringstream plain;
  ndb::cli::Progress quiet(plain, false, clock);
  now += seconds(4);
  quiet.update(half);
  CHECK(plain.str().empty());
  quiet.finish(half);
  CHECK(plain.str().empty());
  now += seconds(2);
  quiet.update(half);
  CHECK(plain.str().ends_with("left\n"));

  std::ostringstream terminal;
  ndb::cli::Progress bar(terminal, true, clock);
  now += milliseconds(200);
  bar.update(half);
  CHECK(terminal.str().starts_with("\r"));
  CHECK_FALSE(terminal.str().ends_with("\n"));
  bar.finish(half);
  CHECK(terminal.str().ends_with("\n"));
}
