// `ndb top`: what a server or a folder is doing, redrawn every second.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "cli/answer.hpp"
#include "cli/command.hpp"
#include "cli/top/metrics_text.hpp"
#include "cli/options.hpp"
#include "cli/text.hpp"
#include "ipc/http/client.hpp"
#include "ipc/http/error_map.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

struct Top {
  double interval_s = 1.0;
  std::uint32_t frames = 0;  // 0: until interrupted
};

std::string human_latency(std::optional<double> seconds) {
  if (!seconds) return "-";
  if (*seconds < 1e-3) return fmt::format("{:.0f} us", *seconds * 1e6);
  if (*seconds < 1.0) return fmt::format("{:.3g} ms", *seconds * 1e3);
  return fmt::format("{:.3g} s", *seconds);
}

// Looks at a server's process; a folder has none.
class ProcessView {
 public:
  explicit ProcessView(const Session& session) : session_(session) {}

  // Two lines, or nothing without a server.
  [[nodiscard]] Result<std::string> lines() {
    if (session_.address.url.empty()) return fmt::format("{}\n", session_.address.data_dir);
    NDB_TRY_ASSIGN(const std::string version, get("/version", 200));
    NDB_TRY_ASSIGN(const std::string ready, get("/readyz", 503));
    NDB_TRY_ASSIGN(const std::string metrics, get("/metrics", 200));
    NDB_TRY_ASSIGN(const auto about, parse_answer(version));
    NDB_TRY_ASSIGN(const auto health, parse_answer(ready));
    std::string text = fmt::format("{}  {} {}  {}", session_.address.url, text_at(about, "role"), text_at(about, "version"),
                                   text_at(health, "status"));
    for (const auto& reason : array_at(health, "reasons"))
      text += fmt::format("; {}", reason.is_string() ? printable(std::string_view(reason.get_string())) : "");
    return text + "\n" + rates(parse_metrics(metrics)) + "\n";
  }

 private:
  using Clock = std::chrono::steady_clock;

  // also_fine: a status besides 2xx whose body is wanted.
  [[nodiscard]] Result<std::string> get(const char* target, unsigned also_fine) {
    if (!client_) {
      http::ClientOptions options;
      options.request_timeout = session_.address.timeout;
      NDB_TRY_ASSIGN(client_, http::Client::create(session_.address.url, options));
    }
    http::Headers headers;
    if (!session_.address.api_key.empty()) headers.push_back({"Authorization", "Bearer " + session_.address.api_key});
    NDB_TRY_ASSIGN(auto answer, client_->request("GET", target, headers));
    if (answer.ok() || answer.status == also_fine) return std::move(answer.body);
    return std::unexpected(http::error_of(answer.status, answer.body));
  }

  [[nodiscard]] std::string rates(MetricsText now) {
    const auto time = Clock::now();
    const MetricsText before = before_ ? std::move(*before_) : now;
    const double seconds = std::chrono::duration<double>(time - at_).count();
    const auto per_second = [&](const char* name) {
      return before_ ? grouped(static_cast<std::uint64_t>(rate(before, now, name, seconds) + 0.5)) : std::string("-");
    };
    std::string line = fmt::format(
        "searches/s {}  p50 {}  p99 {}   writes/s {}   errors/s {}   refused/s {}   connections {:.0f}   mapped {}",
        per_second("ndb_search_duration_seconds_count"), human_latency(search_quantile(before, now, 0.5)),
        human_latency(search_quantile(before, now, 0.99)), per_second("ndb_inserts_total"), per_second("ndb_errors_total"),
        per_second("ndb_http_overloaded_total"), now.sum("ndb_http_connections"),
        human_bytes(static_cast<std::uint64_t>(now.sum("ndb_mmapped_bytes"))));
    before_ = std::move(now);
    at_ = time;
    return line;
  }

  const Session& session_;
  std::optional<http::Client> client_;
  std::optional<MetricsText> before_;
  Clock::time_point at_;
};

std::string graph_of(const boost::json::object& index) {
  if (flag_at(index, "building")) return fmt::format("building {:.0f} %", number_at(index, "progress") * 100);
  if (!flag_at(index, "enabled")) return "off";
  const std::uint64_t waiting = count_at(index, "unindexed_rows");
  return waiting > 0 ? fmt::format("{} rows scanned", grouped(waiting)) : "all";
}

// "2 (3 behind)": how many readers are known, and by how many operations the last of them is behind.
std::string replicas_of(Target& target, const std::string& name) {
  const auto text = target.replicas(name);
  const auto answer = text ? parse_answer(*text) : Result<boost::json::object>(std::unexpected(text.error()));
  if (!answer) return "-";
  std::uint64_t behind = 0;
  const auto& replicas = array_at(*answer, "replicas");
  for (const auto& one : replicas) behind = std::max(behind, count_at(as_object(one), "lag_seq"));
  return behind == 0 ? std::to_string(replicas.size()) : fmt::format("{} ({} behind)", replicas.size(), grouped(behind));
}

Result<std::string> collections(Target& target) {
  NDB_TRY_ASSIGN(const auto list, target.list());
  NDB_TRY_ASSIGN(const auto answer, parse_answer(list));
  Table table({"COLLECTION", ">DOCUMENTS", ">SEGMENTS", ">IN MEMORY", ">LOG", ">ON DISK", ">SEQ", ">VERSION", "GRAPH", "READERS"});
  for (const auto& one : array_at(answer, "collections")) {
    const std::string name = text_at(as_object(one), "name");
    const auto text = target.stats(name);
    if (!text) continue;  // dropped meanwhile
    NDB_TRY_ASSIGN(const auto stats, parse_answer(*text));
    const auto& bytes = object_at(stats, "bytes");
    table.add({printable(name), grouped(count_at(stats, "documents")), std::to_string(array_at(stats, "segments").size()),
               human_bytes(count_at(bytes, "memtable")), human_bytes(count_at(bytes, "wal")), human_bytes(count_at(bytes, "segments")),
               grouped(count_at(stats, "seq")), std::to_string(count_at(stats, "manifest_version")),
               graph_of(object_at(stats, "index")), replicas_of(target, name)});
  }
  return table.text();
}

Result<std::string> frame(ProcessView& process, Target& target) {
  NDB_TRY_ASSIGN(std::string text, process.lines());
  NDB_TRY_ASSIGN(const std::string table, collections(target));
  return text + "\n" + table;
}

Status top(const Session& session, const Top& options) {
  if (session.json) return usage("top draws for people; for machines there are 'ndb stats --json' and a server's /metrics");
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::read));
  ProcessView process(session);
  const bool redraw = session.streams.err_is_terminal;
  constexpr std::string_view kHomeAndClear = "\x1b[H\x1b[J";
  for (std::uint32_t drawn = 0; options.frames == 0 || drawn < options.frames; ++drawn) {
    if (drawn > 0) std::this_thread::sleep_for(std::chrono::duration<double>(options.interval_s));
    auto text = frame(process, *target);
    // One look that fails says so; the next may succeed: a server that restarts is worth watching.
    if (!text && options.frames > 0) return std::unexpected(text.error());
    session.streams.out << (redraw ? kHomeAndClear : "") << (text ? *text : "no answer: " + printable(text.error().message) + "\n")
                        << (redraw ? "" : "\n") << std::flush;
    if (!session.streams.out) return {};  // nobody reads any more
  }
  return {};
}

}  // namespace

void add_top_command(CLI::App& app, Session& session, Action& action) {
  add_command<Top>(
      app, action, "top", "Watch a server or a folder: rates, latency, collections, readers",
      [](CLI::App& command, Top& options) {
        command.add_option("--interval", options.interval_s, "Seconds between two looks [1]")->check(CLI::Range(0.01, 3600.0))->type_name("SECONDS");
        command.add_option("--frames", options.frames, "Stop after so many looks [until interrupted]")->type_name("N");
        command.footer("Example: ndb top --url http://127.0.0.1:7700");
      },
      [&](Top& options) { return top(session, options); });
}

}  // namespace ndb::cli
