#include "cli/top/metrics_text.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/cli/tool.hpp"

namespace ndb::cli {
namespace {

constexpr const char* kBefore = R"(# HELP x y
ndb_inserts_total 10
ndb_errors_total{code="a"} 1
ndb_errors_total{code="b"} 2
ndb_search_duration_seconds_count 0
ndb_search_duration_seconds_bucket{le="0.001"} 0
ndb_search_duration_seconds_bucket{le="0.01"} 0
ndb_search_duration_seconds_bucket{le="+Inf"} 0
no sample at all
)";
constexpr const char* kNow = R"(ndb_inserts_total 30
ndb_search_duration_seconds_count 100
ndb_search_duration_seconds_bucket{le="0.001"} 50
ndb_search_duration_seconds_bucket{le="0.01"} 98
ndb_search_duration_seconds_bucket{le="+Inf"} 100
)";

TEST_CASE("metrics are summed over labels, rates and quantiles are of what came between two looks") {
  const MetricsText before = parse_metrics(kBefore);
  const MetricsText now = parse_metrics(kNow);
  CHECK(before.sum("ndb_errors_total") == 3);
  CHECK(before.sum("none") == 0);
  CHECK(rate(before, now, "ndb_inserts_total", 2.0) == 10);
  CHECK(rate(now, before, "ndb_inserts_total", 2.0) == 0);  // a restart
  CHECK(rate(before, now, "ndb_inserts_total", 0.0) == 0);
  CHECK(*search_quantile(before, now, 0.25) == Approx(0.0005));
  CHECK(*search_quantile(before, now, 0.74) == Approx(0.001 + 0.009 * 24 / 48));
  CHECK(*search_quantile(before, now, 0.99) == Approx(0.01));
  CHECK_FALSE(search_quantile(now, now, 0.5));
  CHECK_FALSE(search_quantile({}, {}, 0.5));
}

TEST_CASE("top shows a folder, and a server with its rates") {
  const tool::Tool folder;
  folder.ok({"create", "docs", "--dim", "2"});
  const tool::Answer of_folder = folder.ok({"top", "--frames", "1"});
  CHECK(of_folder.out.find("COLLECTION") != std::string::npos);
  CHECK(of_folder.out.find("docs") != std::string::npos);
  CHECK(folder({"top", "--json"}).code == 2);

  std::string url;
  {
    const tool::Tool server(tool::Over::server);
    url = server.url();
    server.ok({"create", "docs", "--dim", "2"});
    const tool::Answer of_server = server.ok({"top", "--frames", "2", "--interval", "0.01"});
    CHECK(of_server.out.find("  writer ") != std::string::npos);
    CHECK(of_server.out.find("searches/s -") != std::string::npos);  // the first look knows no rate
    CHECK(of_server.out.find("searches/s 0") != std::string::npos);
    CHECK(of_server.out.find("docs") != std::string::npos);
  }
  CHECK(tool::Tool::call({"top", "--frames", "1", "--url", url}).code == 1);
}

}  // namespace
}  // namespace ndb::cli
