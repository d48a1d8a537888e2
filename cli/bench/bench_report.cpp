#include "cli/bench/bench_report.hpp"

#include <fmt/format.h>

#include "cli/bench/recall_plot.hpp"
#include "cli/text.hpp"
#include "ipc/http/codec/json_writer.hpp"

namespace ndb::cli {
namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }
double rows_per_second(const IngestFigures& ingest) { return ratio(static_cast<double>(ingest.rows), ingest.insert_seconds); }

std::string rounded(double number) { return grouped(static_cast<std::uint64_t>(number + 0.5)); }

std::string threads_of(const BenchPlan& plan) { return plan.threads == 1 ? "one thread" : fmt::format("{} threads", plan.threads); }

std::string data_line(const BenchReport& report) {
  return fmt::format("{}: {} rows x {}, {}", report.source, grouped(report.ingest.rows), report.stats.config.dim, distance_name(report.stats.config.distance));
}

std::string facts(const BenchReport& report) {
  const auto& ingest = report.ingest;
  const auto& stats = report.stats;
  Table table({"DATA", printable(data_line(report))});
  table.add({"queries", fmt::format("{} {}", grouped(report.queries), report.held_out ? "rows, held out" : "from a file")});
  if (ingest.skipped > 0) table.add({"skipped", fmt::format("{} rows that no collection takes", grouped(ingest.skipped))});
  table.add({"ingest", fmt::format("{} rows/s, {}/s of vectors, acknowledged ({:.1f} s); in segments {:.1f} s later", rounded(rows_per_second(ingest)),
                                   human_bytes(static_cast<std::uint64_t>(ratio(static_cast<double>(ingest.vector_bytes), ingest.insert_seconds))),
                                   ingest.insert_seconds, ingest.flush_seconds)});
  table.add({"index", fmt::format("{} of {} rows in {} graphs, {:.1f} s after that", grouped(stats.index.indexed_rows),
                                  grouped(stats.index.indexed_rows + stats.index.unindexed_rows), stats.index.graphs, ingest.index_seconds)});
  table.add({"disk", fmt::format("{} in {} segments, {:.2f} x the vectors; graphs {:.2f} x", human_bytes(stats.segment_bytes), stats.segments.size(),
                                 ratio(static_cast<double>(stats.segment_bytes), static_cast<double>(ingest.vector_bytes)),
                                 ratio(static_cast<double>(stats.index.bytes), static_cast<double>(ingest.vector_bytes)))});
  if (report.freshness.inserts > 0)
    table.add({"freshness", fmt::format("acknowledged to seen by another process: p50 {:.2f} ms, p99 {:.2f} ms, max {:.1f} ms ({} inserts)", report.freshness.p50_ms,
                                         report.freshness.p99_ms, report.freshness.max_ms, report.freshness.inserts)});
  return table.text();
}

}  // namespace

std::string bench_text(const BenchReport& report) {
  Table table({"SEARCH", fmt::format(">RECALL@{}", report.plan.top_k), ">QUERIES/S", ">P50 MS", ">P99 MS"});
  for (const auto& point : report.searches)
    table.add({point.how(), fmt::format("{:.4f}", point.recall), rounded(point.queries_per_second), fmt::format("{:.3f}", point.p50_us / 1000),
               fmt::format("{:.3f}", point.p99_us / 1000)});
  std::string text = facts(report) + "\n" + table.text();
  text += fmt::format("searches in {}, medians of {} passes\n", threads_of(report.plan), report.plan.passes);
  if (report.stats.index.graphs == 0) text += "too few rows for a graph: every search compared with all of them\n";
  return text;
}

std::string bench_json(const BenchReport& report) {
  const auto& ingest = report.ingest;
  const auto& stats = report.stats;
  http::JsonWriter json;
  json.begin_object().key("data").begin_object().field("source", report.source).field("rows", ingest.rows).field("skipped", ingest.skipped);
  json.field("dim", stats.config.dim).field("distance", distance_name(stats.config.distance)).field("queries", std::uint64_t{report.queries});
  json.field("held_out", report.held_out).end_object();
  json.key("ingest").begin_object().field("seconds", ingest.insert_seconds).field("rows_per_second", rows_per_second(ingest));
  json.field("flush_seconds", ingest.flush_seconds).field("index_seconds", ingest.index_seconds).end_object();
  json.key("index").begin_object().field("indexed_rows", stats.index.indexed_rows).field("graphs", stats.index.graphs).field("bytes", stats.index.bytes).end_object();
  json.key("bytes").begin_object().field("vectors", ingest.vector_bytes).field("segments", stats.segment_bytes).end_object();
  json.key("freshness").begin_object().field("inserts", report.freshness.inserts).field("p50_ms", report.freshness.p50_ms);
  json.field("p99_ms", report.freshness.p99_ms).field("max_ms", report.freshness.max_ms).end_object();
  json.field("top_k", report.plan.top_k).field("threads", report.plan.threads).key("searches").begin_array();
  for (const auto& point : report.searches) {
    json.begin_object().field("search", point.how());
    if (point.ef) json.field("ef", *point.ef);
    if (point.wanted_recall) json.field("wanted_recall", *point.wanted_recall);
    json.field("recall", point.recall).field("queries_per_second", point.queries_per_second).field("p50_us", point.p50_us).field("p99_us", point.p99_us).end_object();
  }
  json.end_array().end_object();
  return std::move(json).text();
}

std::string bench_csv(const BenchReport& report) {
  std::string text = "search,ef,wanted_recall,top_k,recall,queries_per_second,p50_us,p99_us\n";
  for (const auto& point : report.searches)
    text += fmt::format("{},{},{},{},{:.5f},{:.1f},{:.1f},{:.1f}\n", point.how(), point.ef ? std::to_string(*point.ef) : "",
                        point.wanted_recall ? fmt::format("{:g}", *point.wanted_recall) : "", report.plan.top_k, point.recall, point.queries_per_second,
                        point.p50_us, point.p99_us);
  return text;
}

std::string bench_plot(const BenchReport& report) {
  Curve graph{.name = "by ef", .points = {}}, wanted{.name = "by recall", .points = {}};
  for (const auto& point : report.searches) {
    if (point.ef) graph.points.push_back({point.recall, point.queries_per_second, std::to_string(*point.ef)});
    if (point.wanted_recall) wanted.points.push_back({point.recall, point.queries_per_second});
  }
  std::vector<Curve> curves;
  for (auto* curve : {&graph, &wanted})
    if (!curve->points.empty()) curves.push_back(std::move(*curve));
  std::string note = fmt::format("{} queries, {}; ingest {} rows/s", grouped(report.queries), threads_of(report.plan), rounded(rows_per_second(report.ingest)));
  if (report.freshness.inserts > 0) note += fmt::format("; seen elsewhere after {:.2f} ms (median)", report.freshness.p50_ms);
  return recall_plot(fmt::format("recall@{} against queries per second, {}", report.plan.top_k, data_line(report)), curves, note);
}

}  // namespace ndb::cli
