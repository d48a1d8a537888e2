#include <regex>

#include "cli/history/as_of.hpp"
#include "tests/unit/cli/tool.hpp"

using tool::Over;
using tool::Tool;

namespace {

/// Two states of a collection that keeps its versions; the version of the first one, in which a is at 1 and nothing else.
std::string two_states(const Tool& tool) {
  tool.ok({"create", "docs", "--dim", "2", "--distance", "euclidean", "--history-retention", "1h"});
  tool.ok({"import", "docs", tool.file("1.jsonl", "{\"id\":\"a\",\"vector\":[1,0],\"payload\":{\"n\":1}}\n"), "--flush", "-q"});
  const auto stats = tool.json({"stats", "docs"});
  tool.ok({"import", "docs", tool.file("2.jsonl", "{\"id\":\"a\",\"vector\":[5,0]}\n{\"id\":\"b\",\"vector\":[1,0]}\n"), "--flush", "-q"});
  return boost::json::serialize(stats.at("manifest_version"));
}

}  // namespace

TEST_CASE("every reading command can be asked as of a version or a time, on a folder and on a server") {
  for (const Over over : {Over::folder, Over::server}) {
    CAPTURE(over == Over::server);
    const Tool tool(over);
    const auto version = two_states(tool);
    const auto found = tool.json({"search", "docs", "--vector", "1,0", "--at-version", version});
    REQUIRE(found.at("matches").as_array().size() == 1);
    CHECK(found.at("matches").at(0).at("score").to_number<double>() == 0.0);
    CHECK(boost::json::serialize(found.at("as_of").at("version")) == version);
    const std::string time(found.at("as_of").at("time").as_string());
    CHECK(tool.json({"search", "docs", "--id", "a", "--exact", "--at-time", time}).at("matches").at(0).at("score").to_number<double>() == 0.0);
    CHECK(tool.json({"count", "docs", "--at-version", version}).at("count") == 1);
    CHECK(tool.json({"count", "docs", "--filter", R"({"n":1})", "--at-time", time}).at("count") == 1);
    CHECK(tool.json({"count", "docs"}).at("count") == 2);
    CHECK(tool.json({"get", "docs", "a", "--at-version", version}).at("documents").at(0).at("vector").at(0).to_number<double>() == 1.0);
    CHECK(tool({"get", "docs", "b", "--at-version", version}).code == 1);
    const auto exported = tool.ok({"export", "docs", "--at-time", time});
    CHECK(exported.out == R"({"id":"a","vector":[1,0],"payload":{"n":1}})" "\n");
    CHECK(boost::json::serialize(tool.json({"manifest", "docs", "--at-version", version}).at("version")) == version);
    const auto told = tool.ok({"count", "docs", "--at-version", version});
    CHECK(told.out == "1\n");
    CHECK(told.err.starts_with("as of version " + version + ", published 20"));

    const auto future = tool({"count", "docs", "--at-version", "1000000"});
    CHECK(future.code == 1);
    CHECK(future.err.find("yet to come") != std::string::npos);
    const auto gone = tool({"count", "docs", "--at-time", "1999-12-31T23:59:59Z"});
    CHECK(gone.code == 1);
    CHECK(gone.err.find("not kept any more; versions 1 to ") != std::string::npos);
    CHECK(tool({"count", "docs", "--at-time", "yesterday"}).code == 2);
    CHECK(tool({"count", "docs", "--at-time", time, "--at-version", version}).code == 2);
  }
}

TEST_CASE("which versions there are, how long they stay and what they take is shown, and can be changed") {
  for (const Over over : {Over::folder, Over::server}) {
    CAPTURE(over == Over::server);
    const Tool tool(over);
    two_states(tool);
    const auto listed = tool.ok({"manifest", "docs", "--versions"});
    CHECK(std::regex_search(listed.out, std::regex("VERSION +PUBLISHED +SEQ\n +1 +20[-0-9]+T[:.0-9]+Z +0\n")));
    const auto all = tool.json({"manifest", "docs", "--versions"});
    CHECK(all.at("retention_s") == 3600);
    CHECK(all.at("versions").as_array().size() >= 3);
    CHECK(tool.ok({"history", "docs"}).out.find("1 hour\n") != std::string::npos);
    CHECK(tool.ok({"stats", "docs"}).out.find("old versions") != std::string::npos);
    const auto changed = tool.json({"history", "docs", "--retention", "2d", "--interval", "90s"});
    CHECK(changed.at("retention_s") == 2 * 86'400);
    CHECK(changed.at("interval_s") == 90);
    CHECK(tool.json({"history", "docs", "--retention", "0"}).at("interval_s") == 90);
    CHECK(tool.json({"stats", "docs"}).at("history").at("retention_s") == 0);
    CHECK(tool({"history", "docs", "--retention", "7 days"}).code == 2);
    CHECK(tool({"history", "docs", "--retention", "11000w"}).code == 2);
    CHECK(tool({"history", "docs", "--interval", "0"}).code == 2);
    CHECK(tool({"manifest", "docs", "--versions", "--at-version", "1"}).code == 2);
  }
}

TEST_CASE("durations are numbers with at most one unit") {
  using ndb::cli::parse_duration;
  const auto seconds = [](const std::string& text) { return parse_duration(text, "--x")->count(); };
  CHECK(seconds("90") == 90);
  CHECK(seconds("90s") == 90);
  CHECK(seconds("15m") == 900);
  CHECK(seconds("24h") == 86'400);
  CHECK(seconds("2w") == 14 * 86'400);
  for (const auto* bad : {"", "s", "1y", "-1", "1.5h", "1hh", "99999999999999999999"}) CHECK_FALSE(parse_duration(bad, "--x"));
  CHECK(ndb::cli::duration_text(3'600) == "1 hour");
  CHECK(ndb::cli::duration_text(5'400) == "90 minutes");
  CHECK(ndb::cli::duration_text(0) == "0 seconds");
}
