#include <algorithm>
#include <cstring>
#include <limits>

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

TEST_CASE("a strict import that fails says which rows are in, and goes on from there") {
  const Tool tool;
  std::string lines;
  for (int i = 1; i <= 3000; ++i) lines += std::to_string(i) + ",1\n";
  const auto failed = tool({"import", "docs", tool.file("v.csv", lines + "4,x\n"), "--create", "--batch-rows", "500", "--strict"});
  CHECK(failed.code == 1);
  CHECK(failed.err.find("line 3001: column 2 is no number") != std::string::npos);
  CHECK(failed.err.find("rows are in; the same command goes on after them") != std::string::npos);
  const auto taken = tool.json({"count", "docs"}).at("count").to_number<int>();
  CHECK(taken > 0);
  CHECK(failed.err.find("ndb: " + std::to_string(taken / 1000) + ",") != std::string::npos);
  const auto again = tool({"import", "docs", tool.file("v.csv", lines), "--strict"});  // mended, and so another file
  CHECK(again.err.find("beginning anew") != std::string::npos);
  CHECK(again.out.find("imported 3,000 documents") != std::string::npos);
  CHECK(tool.json({"count", "docs"}).at("count") == 3000);
  CHECK(tool.json({"import", "docs", tool.file("v.csv", lines), "--skip", "2000"}).at("rows") == 1000);
  CHECK(tool({"import", "docs", tool.file("v.csv", lines), "--skip", "3001"}).code == 1);
}

TEST_CASE("what the engine refuses is told in rows of the file") {
  const Tool tool;
  tool.ok({"create", "docs", "--dim", "2"});
  const auto zero = tool({"import", "docs", tool.file("v.csv", "1,1\n2,2\n0,0\n"), "--batch-rows", "2", "--strict"});
  CHECK(zero.code == 1);
  CHECK(zero.err.find("rows 2 to 2 were not taken") != std::string::npos);
  CHECK(tool.json({"count", "docs"}).at("count") == 2);
  const auto wide = tool({"import", "docs", tool.file("w.csv", "1,1,1\n")});
  CHECK(wide.code == 1);
  CHECK(wide.err.find("w.csv has vectors of 3 elements, 'docs' has 2") != std::string::npos);
  CHECK(tool({"import", "missing", tool.file("v.csv", "1,1\n")}).code == 1);
  CHECK(tool({"import", "docs", "/nonexistent.npy"}).code == 1);
}

TEST_CASE("what cannot be taken is kept in a file, and the rest is imported") {
  for (const Over over : {Over::folder, Over::server}) {
    const Tool tool(over);
    tool.ok({"create", "docs", "--dim", "2"});
    const auto rejects = tool.file("rejects.jsonl", "of an import before\n");
    const auto source = tool.file("v.jsonl",
                                  "{\"id\":\"a\",\"vector\":[1,2]}\n"
                                  "not json\n"
                                  "{\"id\":\"b\",\"vector\":[1,2,3]}\n"
                                  "{\"id\":\"c\",\"vector\":[0,0]}\n"  // zero under cosine: the engine says so
                                  "{\"id\":\"\",\"vector\":[1,1]}\n"
                                  "{\"vector\":[1,1]}\n"
                                  "{\"id\":\"d\",\"vector\":[3,4],\"payload\":{\"n\":1}}\n");
    const auto answer = tool.json({"import", "docs", source, "--rejects", rejects});
    CHECK(answer.at("rows") == 2);
    CHECK(answer.at("rejected") == 5);
    CHECK(std::string(answer.at("rejects_file").as_string()) == rejects);
    CHECK(tool.json({"count", "docs"}).at("count") == 2);
    std::ifstream file(rejects);
    std::string line;
    std::vector<boost::json::object> kept;
    while (std::getline(file, line)) kept.push_back(boost::json::parse(line).as_object());
    REQUIRE(kept.size() == 5);
    std::ranges::sort(kept, {}, [](const boost::json::object& one) { return one.at("row").to_number<int>(); });
    CHECK(kept[0].at("row") == 1);
    CHECK(kept[0].at("line") == 2);
    CHECK(kept[0].at("text") == "not json");
    CHECK(std::string(kept[1].at("error").as_string()).find("line 3: the vector has 3 elements, those before have 2") != std::string::npos);
    CHECK(kept[2].at("id") == "c");
    CHECK(std::string(kept[2].at("error").as_string()).starts_with("vector"));
    CHECK(kept[3].at("row") == 4);
    CHECK(std::string(kept[4].at("error").as_string()).find("there is no id") != std::string::npos);
    const auto none = tool({"import", "docs", tool.file("w.jsonl", "x\ny\n"), "--rejects", rejects});
    CHECK(none.code == 1);
    CHECK(none.err.find("no record can be used; the first one: ") != std::string::npos);
  }
}

TEST_CASE("a bad row takes its lines of the side files with it") {
  const Tool tool;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto vectors = tool.file("v.fvecs", fvecs({{1, 0}, {nan, 1}, {1, 1}}));
  const auto answer = tool.json({"import", "docs", vectors, "--ids", tool.file("ids.txt", "x\ny\nz\n"), "--payloads",
                                 tool.file("p.jsonl", "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n"), "--create", "--rejects", tool.file("r", "")});
  CHECK(answer.at("rejected") == 1);
  const auto got = tool.json({"get", "docs", "x", "z"});
  CHECK(got.at("documents").at(1).at("payload").at("n") == 2);
  CHECK(tool({"get", "docs", "y"}).code == 1);
}

TEST_CASE("many files are one import, whose rows count on") {
  const Tool tool;
  const std::vector<std::string> files = {tool.file("part-1.csv", "1,0\n0,1\n"), tool.file("part-2.csv", "1,1\n"), tool.file("part-3.fvecs", fvecs({{5, 5}}))};
  const auto folder = std::filesystem::path(tool.data_dir()).parent_path().string();
  const auto ids = tool.file("ids.txt", "a\nb\nc\nd\n");
  CHECK(tool.json({"import", "docs", folder + "/part-*.csv", files[2], "--ids", ids, "--create"}).at("rows") == 4);
  CHECK(tool.json({"get", "docs", "d"}).at("documents").at(0).at("vector").at(0).to_number<double>() == 5);
  CHECK(tool.json({"import", folder + "/part-?.csv", "-c", "rows", "--create", "--id-prefix", "r"}).at("rows") == 3);
  CHECK(tool.ok({"export", "rows"}).out.find("\"r2\"") != std::string::npos);
  const auto nothing = tool({"import", "docs", folder + "/none-*.csv"});
  CHECK(nothing.code == 1);
  CHECK(nothing.err.find("no file matches") != std::string::npos);
  const auto other = tool({"import", "docs", files[0], tool.file("wide.csv", "1,2,3\n"), "--ids", ids});
  CHECK(other.code == 1);
  CHECK(other.err.find("wide.csv: has vectors of 3 elements, the files before have 2") != std::string::npos);
}

TEST_CASE("vectors are scaled to length 1 on request") {
  const Tool tool;
  const auto answer = tool.json({"import", "docs", tool.file("v.csv", "3,4\n0,0\n1e30,1e30\n"), "--create", "--distance", "dot", "--normalize", "--rejects", tool.file("r", "")});
  CHECK(answer.at("rows") == 2);
  CHECK(answer.at("rejected") == 1);
  const auto vector = tool.json({"get", "docs", "0"}).at("documents").at(0).at("vector").as_array();
  CHECK(vector[0].to_number<double>() == Approx(0.6));
  CHECK(vector[1].to_number<double>() == Approx(0.8));
  CHECK(tool.json({"get", "docs", "2"}).at("documents").at(0).at("vector").at(0).to_number<double>() == Approx(0.70710678));
}

TEST_CASE("ids and payloads may come from one file of documents") {
  const Tool tool;
  const auto vectors = tool.file("v.fvecs", fvecs({{1, 0}, {0, 1}, {1, 1}}));
  const auto documents = tool.file("d.jsonl", "{\"id\":\"new\\nline\",\"payload\":{\"n\":1}}\n{\"id\":7}\n{\"id\":\"z\",\"payload\":null}\n");
  const auto answer = tool.json({"import", "docs", vectors, "--documents", documents, "--create", "--rejects", tool.file("r", "")});
  CHECK(answer.at("rows") == 2);
  CHECK(answer.at("rejected") == 1);
  CHECK(tool.json({"get", "docs", "new\nline"}).at("documents").at(0).at("payload").at("n") == 1);
  CHECK(tool({"import", "docs", vectors, "--documents", documents, "--ids", documents}).code == 2);
  const auto few = tool({"import", "docs", vectors, "--documents", tool.file("few.jsonl", "{\"id\":\"a\"}\n")});
  CHECK(few.code == 1);
  CHECK(few.err.find("few.jsonl: ends before row 2") != std::string::npos);
}

TEST_CASE("indexes are merged and built on request") {
  const Tool tool;
  std::string csv;
  for (int i = 0; i < 2500; ++i) csv += std::to_string(i + 1) + "," + std::to_string(i % 7) + "\n";
  const auto file = tool.file("v.csv", csv);
  CHECK(tool.ok({"import", "docs", file, "--create", "--flush"}).out.find("for faster searches: ndb index build docs") != std::string::npos);
  tool.ok({"import", "docs", file, "--index"});
  CHECK(tool.json({"stats", "docs"}).at("index").at("unindexed_rows") == 0);
}

TEST_CASE("progress is a bar on a terminal and a line now and then elsewhere") {
  using namespace std::chrono;
  steady_clock::time_point now{};
  const auto clock = [&] { return now; };
  const ndb::cli::Done half{.rows = 500, .rows_total = 1000, .bytes = 0, .bytes_total = 0};
  CHECK(ndb::cli::Progress::line(half, 2.0) == "[============>           ]  50 %  500 of 1,000 rows, 250 rows/s, 0:02 left");
  CHECK(ndb::cli::Progress::line({.rows = 10, .rows_total = {}, .bytes = 50, .bytes_total = 100}, 1.0) ==
        "[============>           ]  50 %  10 rows, 10 rows/s, 0:01 left");
  CHECK(ndb::cli::Progress::line({}, 0.0) == "0 rows, 0 rows/s");
  const ndb::cli::Done resumed{.rows = 500, .rows_total = 1000, .bytes = 0, .bytes_total = 0, .rows_before = 400, .share_before = 0.4};
  CHECK(ndb::cli::Progress::line(resumed, 2.0) == "[============>           ]  50 %  500 of 1,000 rows, 50 rows/s, 0:10 left");

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
