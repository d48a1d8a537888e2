#include <fmt/format.h>

#include <chrono>

#include "cli/answer.hpp"
#include "cli/collection_text.hpp"
#include "cli/command.hpp"
#include "cli/history/as_of.hpp"
#include "cli/options.hpp"
#include "cli/text.hpp"
#include "shared/base/result.hpp"
#include "shared/base/time_text.hpp"

namespace ndb::cli {
namespace {

struct Named {
  std::string name;
};
struct Create : Named {
  CollectionConfig config;
  std::string distance = "cosine", durability = "buffered", quantization = "auto", history_retention;
};
struct Drop : Named {
  bool sure = false;
};

void declare_create(CLI::App& command, Create& options) {
  add_collection_name(command, options.name);
  auto& hnsw = options.config.hnsw;
  command.add_option("--dim", options.config.dim, "Elements of each vector, 1 to 65536")->required()->type_name("N");
  command.add_option("--distance", options.distance, "cosine, dot or euclidean [cosine]")
      ->check(CLI::IsMember({"cosine", "dot", "euclidean"}))->type_name("NAME");
  command.add_option("--durability", options.durability, "buffered (on the disk within 100 ms) or sync (at once) [buffered]")
      ->check(CLI::IsMember({"buffered", "sync"}))->type_name("NAME");
  command.add_option("--hnsw-m", hnsw.m, "Links per node of the graph, 2 to 128 [16]")->type_name("N");
  command.add_option("--hnsw-ef-construct", hnsw.ef_construction, "Candidates while building, up to 4096 [200]")->type_name("N");
  command.add_option("--hnsw-ef", hnsw.ef_search, "Candidates while searching, up to 16384 [64]")->type_name("N");
  command.add_option("--hnsw-quantization", options.quantization, "What the graph is walked on: auto, none, sq8 or rabitq [auto]")
      ->check(CLI::IsMember({"auto", "none", "sq8", "rabitq"}))->type_name("NAME");
  command.add_option("--attributes-only", options.config.attributes.only, "Index nothing but these fields of payloads, for filters [all that are not too large]")
      ->delimiter(',')->type_name("FIELD,...");
  command.add_option("--attributes-never", options.config.attributes.never, "Do not index these fields, such as long texts that nobody filters by")
      ->delimiter(',')->type_name("FIELD,...");
  command.add_option("--history-retention", options.history_retention, "Keep old versions this long, to search them later: 15m, 24h, 7d; see ndb history [0]")->type_name("TIME");
  command.footer("Examples:\n  ndb create docs --dim 768 --distance dot\n  ndb create docs --dim 768 --attributes-never body,raw_html");
}

Status create(const Session& session, Create& options) {
  options.config.distance = distance_from_name(options.distance).value_or(Distance::cosine);
  options.config.durability = durability_from_name(options.durability).value_or(Durability::buffered);
  options.config.hnsw.quantization = quantization_from_name(options.quantization).value_or(Quantization::automatic);
  if (!options.history_retention.empty()) {
    NDB_TRY_ASSIGN(options.config.history.retention, parse_duration(options.history_retention, "--history-retention"));
  }
  if (const auto status = validate(options.config); !status) return usage(status.error().message);
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::write));
  NDB_TRY_ASSIGN(const auto answer, target->create(options.name, options.config));
  if (session.json) session.print_json(answer);
  else session.streams.out << fmt::format("created '{}': {} dimensions, {}, {}\n", options.name, options.config.dim, options.distance, options.durability);
  return {};
}

Status list(const Session& session) {
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::read));
  NDB_TRY_ASSIGN(const auto text, target->list());
  if (session.json) return session.print_json(text), Status{};
  NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
  Table table({"NAME", ">DIM", "DISTANCE", ">DOCUMENTS"});
  for (const auto& one : array_at(answer, "collections")) {
    const auto& stats = as_object(one);
    table.add({printable(text_at(stats, "name")), std::to_string(count_at(stats, "dim")), printable(text_at(stats, "distance")),
               grouped(count_at(stats, "documents"))});
  }
  if (array_at(answer, "collections").empty()) session.streams.out << "no collections; make one with: ndb create NAME --dim N\n";
  else session.streams.out << table.text();
  return {};
}

Status drop(const Session& session, const Drop& options) {
  if (!options.sure) return usage(fmt::format("this deletes '{}' and everything in it; say --yes if you mean it", options.name));
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::write));
  NDB_TRY(target->drop(options.name));
  if (session.json) session.print_json(fmt::format("{{\"name\":\"{}\",\"deleted\":true}}", options.name));
  else session.streams.out << fmt::format("deleted '{}'\n", options.name);
  return {};
}

Status stats(const Session& session, const Named& options) {
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::read));
  NDB_TRY_ASSIGN(const auto text, target->stats(options.name));
  if (session.json) return session.print_json(text), Status{};
  NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
  // Beside the stats: what else is worth a line where it can be had.
  const auto manifest_json = target->manifest(options.name, {});
  const auto manifest = manifest_json ? parse_answer(*manifest_json).value_or(boost::json::object()) : boost::json::object();
  const auto replicas_json = target->replicas(options.name);
  const auto replicas = replicas_json ? parse_answer(*replicas_json).value_or(boost::json::object()) : boost::json::object();
  session.streams.out << stats_text(answer, manifest, array_at(replicas, "replicas"), base::to_unix_ms(std::chrono::system_clock::now()));
  return {};
}

}  // namespace

void add_collection_commands(CLI::App& app, Session& session, Action& action) {
  const auto named = [](CLI::App& command, Named& options) { add_collection_name(command, options.name); };
  add_command<Create>(app, action, "create", "Make a collection", declare_create,
                      [&](Create& options) { return create(session, options); });
  add_command<Named>(app, action, "list", "Show the collections", [](CLI::App&, Named&) {},
                     [&](Named&) { return list(session); });
  add_command<Drop>(
      app, action, "drop", "Delete a collection and everything in it",
      [](CLI::App& command, Drop& options) {
        add_collection_name(command, options.name);
        command.add_flag("--yes", options.sure, "Really");
      },
      [&](Drop& options) { return drop(session, options); });
  add_command<Named>(app, action, "stats", "Show what a collection holds, and its size", named,
                     [&](Named& options) { return stats(session, options); });
}

}  // namespace ndb::cli
