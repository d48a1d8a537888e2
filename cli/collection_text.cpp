#include "cli/collection_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "cli/answer.hpp"
#include "cli/history/as_of.hpp"
#include "cli/text.hpp"

namespace ndb::cli {
namespace {

using boost::json::array;
using boost::json::object;

/// "1,500 (0.1 %)"
std::string with_share(std::uint64_t part, std::uint64_t whole) {
  if (part == 0 || whole == 0) return grouped(part);
  return fmt::format("{} ({:.1f} %)", grouped(part), 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string bytes_at(const object& from, const char* key) { return human_bytes(count_at(from, key)); }

std::string hnsw_line(const object& hnsw) {
  std::string line = fmt::format("m {}, ef_construct {}, ef_search {}", count_at(hnsw, "m"), count_at(hnsw, "ef_construct"), count_at(hnsw, "ef_search"));
  const auto quantization = text_at(hnsw, "quantization");
  return quantization.empty() ? line : line + ", quantization " + printable(quantization);
}

std::string names_in(const array& names) {
  std::string text;
  for (const auto& name : names)
    if (name.is_string()) text += (text.empty() ? "" : ", ") + printable(std::string_view(name.get_string()));
  return text;
}

/// Which fields of payloads are indexed, for filters.
std::string attributes_line(const object& attributes) {
  const auto only = names_in(array_at(attributes, "only")), never = names_in(array_at(attributes, "never"));
  std::string line = only.empty() ? "all fields" : "only " + only;
  return never.empty() ? line : line + "; never " + never;
}

void add_settings(Table& table, const object& of) {
  table.add({"vectors", fmt::format("{} x float32, {}", count_at(of, "dim"), printable(text_at(of, "distance")))});
  table.add({"durability", printable(text_at(of, "durability"))});
  table.add({"hnsw", hnsw_line(object_at(of, "hnsw"))});
  table.add({"attributes", attributes_line(object_at(of, "attributes"))});
  if (const auto& history = object_at(of, "history"); count_at(history, "retention_s") > 0)
    table.add({"history", fmt::format("versions stay for {}, one at least every {}", duration_text(count_at(history, "retention_s")),
                                      duration_text(count_at(history, "interval_s")))});
}

std::string readers_line(const array& replicas) {
  std::uint64_t behind = 0;
  double age = 0;
  for (const auto& one : replicas) {
    behind = std::max(behind, count_at(as_object(one), "lag_seq"));
    age = std::max(age, number_at(as_object(one), "age_seconds"));
  }
  return fmt::format("{}, at most {} writes behind, heard of within {:.1f} s", replicas.size(), grouped(behind), age);
}

struct Sum {
  std::uint64_t rows = 0, deleted = 0, bytes = 0;
};

std::string segments_table(const array& segments) {
  Table table({"SEGMENT", ">ROWS", ">DELETED", ">SIZE", "INDEX"});
  Sum all;
  for (const auto& one : segments) {
    const auto& segment = as_object(one);
    const auto rows = count_at(segment, "rows"), deleted = count_at(segment, "deleted"), bytes = count_at(segment, "bytes");
    table.add({std::to_string(count_at(segment, "id")), grouped(rows), with_share(deleted, rows), human_bytes(bytes), flag_at(segment, "indexed") ? "graph" : "-"});
    all = {.rows = all.rows + rows, .deleted = all.deleted + deleted, .bytes = all.bytes + bytes};
  }
  if (segments.size() > 1) table.add({"all", grouped(all.rows), with_share(all.deleted, all.rows), human_bytes(all.bytes), ""});
  return table.text();
}

std::string file_bytes(const object& segment, const char* file) {
  const auto& entry = object_at(segment, file);
  return entry.empty() ? "-" : bytes_at(entry, "bytes");
}

std::string files_table(const array& segments) {
  Table table({"SEGMENT", ">ROWS", ">DELETED", ">SIZE", ">VECTORS", ">IDS", ">PAYLOADS", ">ATTRIBUTES", ">GRAPH", ">DELETE SET"});
  for (const auto& one : segments) {
    const auto& segment = as_object(one);
    const auto rows = count_at(segment, "rows");
    table.add({std::to_string(count_at(segment, "id")), grouped(rows), with_share(count_at(segment, "deleted"), rows), bytes_at(segment, "bytes"),
               file_bytes(segment, "vectors"), file_bytes(segment, "ids"), file_bytes(segment, "payloads"), file_bytes(segment, "attributes"),
               file_bytes(segment, "hnsw"), file_bytes(segment, "delete_set")});
  }
  return table.text();
}

std::string logs_table(const array& logs) {
  Table table({"LOG", ">EPOCH", ">FILE", "STATE"});
  std::size_t number = 0;
  for (const auto& one : logs) {
    const auto& log = as_object(one);
    const bool sealed = log.contains("sealed_bytes");
    table.add({std::to_string(++number), std::to_string(count_at(log, "epoch")), std::to_string(count_at(log, "index")),
               sealed ? "sealed at " + bytes_at(log, "sealed_bytes") : "open"});
  }
  return table.text();
}

}  // namespace

std::string human_age(std::uint64_t unix_ms, std::uint64_t now_unix_ms) {
  constexpr std::uint64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
  if (unix_ms > now_unix_ms + 1'000) return "in the future";
  const std::uint64_t seconds = (now_unix_ms - std::min(unix_ms, now_unix_ms)) / 1'000;
  if (seconds < 2 * kMinute) return fmt::format("{} s ago", seconds);
  if (seconds < 2 * kHour) return fmt::format("{} min ago", seconds / kMinute);
  if (seconds < 2 * kDay) return fmt::format("{} h ago", seconds / kHour);
  return fmt::format("{} days ago", grouped(seconds / kDay));
}

std::string time_and_age(std::uint64_t unix_ms, std::uint64_t now_unix_ms) {
  const auto time = fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(unix_ms / 1000)));
  return fmt::format("{} ({})", time, human_age(unix_ms, now_unix_ms));
}

std::string stats_text(const object& stats, const object& manifest, const array& replicas, std::uint64_t now_unix_ms) {
  const auto& bytes = object_at(stats, "bytes");
  const auto& index = object_at(stats, "index");
  const auto& segments = array_at(stats, "segments");
  const auto seq = count_at(stats, "seq"), flushed = count_at(stats, "flushed_seq");
  const auto documents = count_at(stats, "documents"), deleted = count_at(stats, "deleted");
  const auto indexed = count_at(index, "indexed_rows");
  Table table({"COLLECTION", printable(text_at(stats, "name"))});
  table.add({"documents", grouped(documents)});
  table.add({"deleted rows", with_share(deleted, documents + deleted)});
  add_settings(table, stats);
  table.add({"seq", fmt::format("{} ({} in segments, {} in the log)", grouped(seq), grouped(flushed), grouped(seq - std::min(seq, flushed)))});
  const auto written = count_at(manifest, "created_unix_ms");
  table.add({"manifest", grouped(count_at(stats, "manifest_version")) + (written == 0 ? "" : ", written " + time_and_age(written, now_unix_ms))});
  table.add({"indexed rows", with_share(indexed, indexed + count_at(index, "unindexed_rows")) + (flag_at(index, "enabled") ? "" : ", indexing is off")});
  if (flag_at(index, "building")) table.add({"indexing", fmt::format("{:.0f} %", number_at(index, "progress") * 100)});
  if (!replicas.empty()) table.add({"readers", readers_line(replicas)});
  table.add({"on disk", fmt::format("{} in {} {}, of which {} are graphs; log {}", bytes_at(bytes, "segments"), segments.size(),
                                    segments.size() == 1 ? "segment" : "segments", bytes_at(bytes, "index"), bytes_at(bytes, "wal"))});
  if (const auto& history = object_at(stats, "history"); count_at(history, "retention_s") > 0)
    table.add({"old versions", fmt::format("{}, {} that only they need", grouped(count_at(history, "versions")), bytes_at(history, "bytes"))});
  const auto waiting = count_at(object_at(stats, "memtable"), "documents");
  table.add({"in memory", fmt::format("{} {}, {}", grouped(waiting), waiting == 1 ? "document" : "documents", bytes_at(bytes, "memtable"))});
  return table.text() + (segments.empty() ? "" : "\n" + segments_table(segments));
}

std::string manifest_text(const object& manifest, std::uint64_t now_unix_ms) {
  Table table({"MANIFEST", grouped(count_at(manifest, "version"))});
  table.add({"collection", fmt::format("{}, uid {}", printable(text_at(manifest, "name")), printable(text_at(manifest, "collection_uid")))});
  table.add({"written", fmt::format("{}, by the writer of epoch {}", time_and_age(count_at(manifest, "created_unix_ms"), now_unix_ms), count_at(manifest, "epoch"))});
  add_settings(table, manifest);
  table.add({"indexing", flag_at(manifest, "index_enabled") ? "on" : "off"});
  table.add({"in segments", "everything up to seq " + grouped(count_at(manifest, "flushed_seq"))});
  const auto& segments = array_at(manifest, "segments");
  const auto& logs = array_at(manifest, "wals");
  return table.text() + (segments.empty() ? "" : "\n" + files_table(segments)) + (logs.empty() ? "" : "\n" + logs_table(logs));
}

}  // namespace ndb::cli
