#include "bindings/http/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <sstream>

namespace ndb::http {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Label = ClientMetric::Label;

constexpr std::size_t kErrorCodes = static_cast<std::size_t>(ErrorCode::internal) + 1;

const prometheus::Histogram::BucketBoundaries kSearchBuckets{0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                                             0.02,    0.05,   0.1,    0.2,    0.5,   1,     2,     5};
double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

ClientMetric sample(std::vector<Label> labels, double value, MetricType type) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (type == MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
  return metric;
}

// A gauge of every collection.
struct CollectionGauge {
  const char* name;
  const char* help;
  double (*value)(const CollectionStats&);
};

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

const CollectionGauge kCollectionGauges[] = {
    {"ndb_seq", "Sequence number up to which everything is visible here",
     [](const CollectionStats& s) { return number(s.seq.value); }},
    {"ndb_flushed_seq", "Sequence number up to which everything is in segments",
     [](const CollectionStats& s) { return number(s.flushed_seq.value); }},
    {"ndb_manifest_version", "Version of the manifest in use",
     [](const CollectionStats& s) { return number(s.manifest_version.value); }},
    {"ndb_epoch", "Epoch of the writer", [](const CollectionStats& s) { return number(s.epoch.value); }},
    {"ndb_documents", "Live documents", [](const CollectionStats& s) { return number(s.documents); }},
    {"ndb_deleted_rows", "Dead rows still in files or memtables",
     [](const CollectionStats& s) { return number(s.deleted); }},
    {"ndb_segments", "Segments in use", [](const CollectionStats& s) { return number(s.segments.size()); }},
    {"ndb_segment_bytes", "Bytes of segments on disk",
     [](const CollectionStats& s) { return number(s.segment_bytes); }},
    {"ndb_history_versions", "Versions that are kept and can be searched; 0 while none are",
     [](const CollectionStats& s) { return number(s.history.versions); }},
    {"ndb_history_bytes", "Bytes on disk of files that only older versions need, while versions are kept",
     [](const CollectionStats& s) { return number(s.history.bytes); }},
    {"ndb_memtable_bytes", "Bytes of memtables in memory",
     [](const CollectionStats& s) { return number(s.memtable_bytes); }},
    {"ndb_memtable_documents", "Documents in memtables",
     [](const CollectionStats& s) { return number(s.memtable_documents); }},
    {"ndb_wal_bytes", "Bytes of write-ahead logs on disk",
     [](const CollectionStats& s) { return number(s.wal_bytes); }},
    {"ndb_index_bytes", "Bytes of all graphs", [](const CollectionStats& s) { return number(s.index.bytes); }},
    {"ndb_indexed_rows", "Rows in segments that have a graph",
     [](const CollectionStats& s) { return number(s.index.indexed_rows); }},
    {"ndb_unindexed_rows", "Rows in segments without a graph",
     [](const CollectionStats& s) { return number(s.index.unindexed_rows); }},
    {"ndb_index_build_progress", "Progress of the index build under way, 0 to 1",
     [](const CollectionStats& s) { return s.index.progress; }},
    {"ndb_writable", "1 if this process holds the write lock",
     [](const CollectionStats& s) { return s.writable ? 1.0 : 0.0; }},
};

// A gauge of every replica.
struct ReplicaGauge {
  const char* name;
  const char* help;
  double (*value)(const ReplicaStats&);
};

const ReplicaGauge kReplicaGauges[] = {
    {"ndb_replica_lag_seq", "Sequence numbers a replica is behind the writer",
     [](const ReplicaStats& r) { return number(r.lag_seq); }},
    {"ndb_replica_seq", "Sequence number that a replica has applied",
     [](const ReplicaStats& r) { return number(r.seq.value); }},
    {"ndb_replica_manifest_version", "Manifest that a replica has pinned",
     [](const ReplicaStats& r) { return number(r.pinned_version.value); }},
    {"ndb_replica_age_seconds", "Seconds since a replica was last heard of",
     [](const ReplicaStats& r) { return r.age_seconds; }},
    // What a replica lacks it lacks at least since it was heard of; one that lacks nothing does not lag.
    {"ndb_replica_lag_seconds", "Seconds a replica is behind the writer",
     [](const ReplicaStats& r) { return r.lag_seq == 0 ? 0.0 : r.age_seconds; }},
};

void add_collections(std::vector<MetricFamily>& out, std::span<const CollectionSample> collections) {
  for (const CollectionGauge& gauge : kCollectionGauges) {
    MetricFamily family{gauge.name, gauge.help, MetricType::Gauge, {}};
    for (const CollectionSample& c : collections) {
      family.metric.push_back(sample({{"collection", c.stats.name}}, gauge.value(c.stats), MetricType::Gauge));
    }
    out.push_back(std::move(family));
  }
  for (const ReplicaGauge& gauge : kReplicaGauges) {
    MetricFamily family{gauge.name, gauge.help, MetricType::Gauge, {}};
    for (const CollectionSample& c : collections) {
      for (const ReplicaStats& r : c.replicas) {
        std::vector<Label> labels{{"collection", c.stats.name}, {"host", r.host}, {"pid", std::to_string(r.pid)}};
        family.metric.push_back(sample(std::move(labels), gauge.value(r), MetricType::Gauge));
      }
    }
    out.push_back(std::move(family));
  }
}

struct WorkFamily {
  writer::Work work;
  const char* name;
  const char* help;
};

constexpr WorkFamily kWorkFamilies[] = {
    {writer::Work::flush, "ndb_flush_duration_seconds", "Time to write a memtable to a segment"},
    {writer::Work::merge, "ndb_compaction_duration_seconds", "Time to merge segments, the new graph included"},
    {writer::Work::graph, "ndb_index_build_duration_seconds", "Time to build a graph"},
};

ClientMetric histogram_of(const writer::Activity::Times& times) {
  ClientMetric metric;
  for (std::size_t i = 0; i < times.counts.size(); ++i) {
    metric.histogram.sample_count += times.counts[i];
    const double bound =
        i < writer::Activity::kBuckets.size() ? writer::Activity::kBuckets[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({metric.histogram.sample_count, bound});
  }
  metric.histogram.sample_sum = times.seconds;
  return metric;
}

void add_activity(std::vector<MetricFamily>& out, std::span<const CollectionSample> collections) {
  for (const WorkFamily& kind : kWorkFamilies) {
    MetricFamily family{kind.name, kind.help, MetricType::Histogram, {}};
    for (const CollectionSample& c : collections) {
      if (!c.activity) continue;
      ClientMetric metric = histogram_of((*c.activity)[static_cast<std::size_t>(kind.work)]);
      metric.label = {{"collection", c.stats.name}};
      family.metric.push_back(std::move(metric));
    }
    out.push_back(std::move(family));
  }
}

void add_one(std::vector<MetricFamily>& out, const char* name, const char* help, MetricType type, std::uint64_t value) {
  out.push_back({name, help, type, {sample({}, number(value), type)}});
}

void add_server(std::vector<MetricFamily>& out, const ServerStats& server, std::uint64_t mmapped_bytes) {
  add_one(out, "ndb_http_connections", "Open connections", MetricType::Gauge, server.connections);
  add_one(out, "ndb_http_connections_total", "Connections accepted", MetricType::Counter, server.accepted);
  add_one(out, "ndb_http_connections_rejected_total", "Connections over the limit", MetricType::Counter,
          server.rejected);
  add_one(out, "ndb_http_malformed_requests_total", "Requests refused before they were read", MetricType::Counter,
          server.bad_requests);
  add_one(out, "ndb_http_overloaded_total", "Requests answered 429 because too many were waiting", MetricType::Counter,
          server.overloaded);
  add_one(out, "ndb_http_abandoned_total", "Requests not worked on because the caller had gone when their turn came",
          MetricType::Counter, server.abandoned);
  add_one(out, "ndb_mmapped_bytes", "Bytes of the data folder mapped by this process", MetricType::Gauge,
          mmapped_bytes);
}

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;
  prometheus::Histogram& searches;
  prometheus::Counter& inserts;
  prometheus::Counter& deletes;
  std::array<prometheus::Counter*, kErrorCodes> errors{};

  prometheus::Histogram& histogram(const char* name, const char* help,
                                   const prometheus::Histogram::BucketBoundaries& buckets) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
  }
  prometheus::Counter& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
  }

  Families()
      : searches(histogram("ndb_search_duration_seconds", "Time to answer a search", kSearchBuckets)),
        inserts(counter("ndb_inserts_total", "Documents inserted or replaced")),
        deletes(counter("ndb_deletes_total", "Documents deleted")) {
    auto& family =
        prometheus::BuildCounter().Name("ndb_errors_total").Help("Errors answered, by code").Register(registry);
    for (std::size_t i = 0; i < kErrorCodes; ++i) {
      const std::string code(error_code_name(static_cast<ErrorCode>(i)));
      errors[i] = &family.Add({{"code", code}});
    }
  }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::count_request(Action action, unsigned status, std::chrono::nanoseconds duration) noexcept {
  ActionCounters& counters = actions_[static_cast<std::size_t>(action)];
  const std::size_t status_class = std::clamp(status / 100, 1U, 5U) - 1;
  counters.by_class[status_class].fetch_add(1, std::memory_order_relaxed);
  counters.nanoseconds.fetch_add(static_cast<std::uint64_t>(duration.count()), std::memory_order_relaxed);
}

void Metrics::count_error(ErrorCode code) noexcept {
  families_->errors[static_cast<std::size_t>(code)]->Increment();
}
void Metrics::count_inserts(std::uint64_t documents) noexcept {
  families_->inserts.Increment(number(documents));
}
void Metrics::count_deletes(std::uint64_t documents) noexcept {
  families_->deletes.Increment(number(documents));
}
void Metrics::observe_search(std::chrono::nanoseconds duration) noexcept {
  families_->searches.Observe(seconds(duration));
}

std::string Metrics::render(const ServerStats& server, std::span<const CollectionSample> collections,
                            std::uint64_t mmapped_bytes, const SpanCounts& spans) const {
  std::vector<MetricFamily> out = families_->registry.Collect();
  // What the server itself refused as overloaded never became a request here.
  for (MetricFamily& family : out) {
    if (family.name != "ndb_errors_total") continue;
    for (ClientMetric& metric : family.metric) {
      if (metric.label.front().value == error_code_name(ErrorCode::overloaded))
        metric.counter.value += number(server.overloaded);
    }
  }
  MetricFamily requests{
      "ndb_http_requests_total", "Requests answered, by route and class of status", MetricType::Counter, {}};
  MetricFamily time{"ndb_http_request_seconds_total", "Time spent on requests, by route", MetricType::Counter, {}};
  for (const Route& route : routes()) {
    const ActionCounters& counters = actions_[static_cast<std::size_t>(route.action)];
    const std::string name(route.name);
    for (std::size_t i = 0; i < counters.by_class.size(); ++i) {
      const std::uint64_t count = counters.by_class[i].load(std::memory_order_relaxed);
      if (count == 0) continue;
      std::vector<Label> labels{{"route", name}, {"status", std::to_string(i + 1) + "xx"}};
      requests.metric.push_back(sample(std::move(labels), number(count), MetricType::Counter));
    }
    const double spent = number(counters.nanoseconds.load(std::memory_order_relaxed)) * 1e-9;
    time.metric.push_back(sample({{"route", name}}, spent, MetricType::Counter));
  }
  out.push_back(std::move(requests));
  out.push_back(std::move(time));
  add_server(out, server, mmapped_bytes);
  add_one(out, "ndb_spans_exported_total", "Spans that the collector took", MetricType::Counter, spans.exported);
  add_one(out, "ndb_spans_dropped_total", "Spans lost: too many at once, or the collector did not take them",
          MetricType::Counter, spans.dropped);
  add_collections(out, collections);
  add_activity(out, collections);
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, out);
  return std::move(text).str();
}

std::uint64_t mapped_bytes_under(const std::string& folder) {
  std::ifstream maps("/proc/self/maps");
  std::uint64_t bytes = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(folder + "/") == std::string::npos) continue;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    const char* const limit = line.data() + line.size();
    const auto dash = std::from_chars(line.data(), limit, begin, 16);
    if (dash.ec != std::errc{} || dash.ptr == limit) continue;
    if (std::from_chars(dash.ptr + 1, limit, end, 16).ec == std::errc{} && end > begin) bytes += end - begin;
  }
  return bytes;
}

}  // namespace ndb::http
