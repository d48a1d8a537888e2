#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/answer.hpp"
#include "cli/command.hpp"
#include "cli/manual/completion.hpp"
#include "cli/manual/manual_command.hpp"
#include "cli/probe_command.hpp"
#include "cli/text.hpp"
#include "cli/verify/verifier.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/result.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::cli {
namespace {

constexpr const char* kAbout =
    "ndb works on nDB collections of vectors: in a folder (--data-dir, the default is ./data) or on a server (--url).";
constexpr const char* kFooter =
    "Examples:\n"
    "  ndb create docs --dim 768                                  a collection in ./data\n"
    "  ndb import docs vectors.npy --ids ids.txt                  fill it\n"
    "  ndb search docs --id a --top-k 5                           what is like document 'a'\n"
    "  ndb search docs --vector-file q.npy --filter '{\"year\":{\"$gte\":2020}}'\n"
    "  ndb stats docs --url http://127.0.0.1:7700                 the same on a server\n"
    "  ndb verify                                                 check every byte of ./data\n"
    "Each command explains itself: ndb search --help. With --json every answer is one JSON object.\n"
    "A server's key comes from NDB_API_KEY. Exit codes: 0 done, 1 failed, 2 called wrongly.";

struct Global {
  std::string data_dir, url, api_key_file;
  std::uint32_t timeout_s = 60;
};

void add_global_options(CLI::App& app, Global& global, Session& session) {
  app.add_option("--data-dir", global.data_dir, "Folder with the collections (NDB_DATA_DIR) [./data]")->type_name("DIR");
  app.add_option("--url", global.url, "A server instead: http://HOST:PORT (NDB_URL)")->type_name("URL");
  app.add_option("--api-key-file", global.api_key_file, "File with the server's key, unless NDB_API_KEY has it")->type_name("FILE");
  app.add_option("--timeout", global.timeout_s, "Seconds that a request to a server may take [60]")
      ->check(CLI::Range(1U, 86'400U))
      ->type_name("SECONDS");
  app.add_flag("--json", session.json, "Answer in JSON, for machines");
}

/// Flags first, then variables, then ./data.
Status resolve_address(const Global& global, Session& session) {
  if (!global.data_dir.empty() && !global.url.empty()) return usage("give either --data-dir or --url, not both");
  TargetAddress& address = session.address;
  address.timeout = std::chrono::seconds(global.timeout_s);
  address.url = global.url;
  address.data_dir = global.data_dir;
  if (address.url.empty() && address.data_dir.empty()) {
    address.url = session.environment("NDB_URL").value_or("");
    address.data_dir = session.environment("NDB_DATA_DIR").value_or("");
    if (!address.url.empty() && !address.data_dir.empty()) return usage("NDB_URL and NDB_DATA_DIR are both set; give --url or --data-dir");
    if (address.url.empty() && address.data_dir.empty()) address.data_dir = "./data";
  }
  if (const auto key = session.environment("NDB_API_KEY")) {
    address.api_key = *key;
  } else if (!global.api_key_file.empty()) {
    NDB_TRY_ASSIGN(const auto bytes, fs::read_file(fs::posix_file_system(), global.api_key_file, 4096));
    address.api_key = base::as_text(bytes);
    while (address.api_key.ends_with('\n') || address.api_key.ends_with('\r')) address.api_key.pop_back();
  }
  return {};
}

/// What to do about an error, if there is something to say.
std::string hint(const Error& error, const Session& session) {
  const bool server = !session.address.url.empty();
  switch (error.code) {
    case ErrorCode::collection_locked: return "a running writer owns the collection; talk to it: --url http://127.0.0.1:7700";
    case ErrorCode::unavailable:
      return server ? "is ndb-writer or ndb-reader running at " + session.address.url + "?" : "";
    case ErrorCode::unauthenticated: return "set NDB_API_KEY, or give --api-key-file";
    case ErrorCode::not_found:
      if (error.field != "name") return "";  // a document, a file
      return server ? "'ndb list' shows what there is" : "'ndb list' shows what there is in " + session.address.data_dir + "; --data-dir names another folder";
    case ErrorCode::corruption: return "'ndb verify' checks everything and names the damage";
    case ErrorCode::no_space: return "make room on the volume and try again";
    default: return "";
  }
}

int report(const Error& error, const Session& session) {
  if (error.field == kReportedField) return 1;
  const bool wrong_call = error.field == kUsageField;
  if (session.json) {
    http::JsonWriter json;
    json.begin_object().key("error").begin_object().field("code", error_code_name(error.code)).field("message", error.message);
    if (!error.field.empty()) json.field("field", error.field);
    json.end_object().end_object();
    session.streams.err << json.text() << '\n';
  } else {
    session.streams.err << "ndb: " << printable(error.message) << '\n';
    const std::string advice = wrong_call ? "" : hint(error, session);
    if (!advice.empty()) session.streams.err << "     " << advice << '\n';
  }
  return wrong_call ? 2 : 1;
}

/// For completion: whatever goes wrong, there are just no names.
std::vector<std::string> collection_names(Session& session, const std::map<std::string, std::string>& options) {
  constexpr std::uint32_t kPatienceSeconds = 2;
  const auto typed = [&](const char* name) { return options.contains(name) ? options.at(name) : std::string(); };
  const Global global{.data_dir = typed("--data-dir"), .url = typed("--url"), .api_key_file = typed("--api-key-file"), .timeout_s = kPatienceSeconds};
  std::vector<std::string> names;
  if (!resolve_address(global, session)) return names;
  if (session.address.url.empty()) return find_collections(fs::posix_file_system(), session.address.data_dir).value_or(names);
  const auto target = session.open(Purpose::read);
  const auto text = target ? (*target)->list() : Result<std::string>(std::unexpected(target.error()));
  const auto answer = text ? parse_answer(*text) : Result<boost::json::object>(std::unexpected(text.error()));
  if (!answer) return names;
  for (const auto& one : array_at(*answer, "collections"))
    if (auto name = text_at(as_object(one), "name"); validate_collection_name(name)) names.push_back(std::move(name));
  return names;
}

int print_candidates(const CLI::App& app, const std::vector<std::string>& args, Session& session) {
  const auto collections = [&](const auto& options) { return collection_names(session, options); };
  for (const auto& [text, about] : complete(app, {args.begin() + 1, args.end()}, collections))
    session.streams.out << text << (about.empty() ? "" : "\t") << about << '\n';
  return 0;
}

}  // namespace

int run(const std::vector<std::string>& args, const Streams& streams, const OpenTarget& opener,
        const config::Environment& environment) {
  Session session{.streams = streams, .opener = opener, .environment = environment};
  Global global;
  Action action;
  CLI::App app(kAbout, "ndb");
  app.require_subcommand(1);
  app.fallthrough();  // --json and the like may stand after the command as well
  app.set_version_flag("--version", std::string("ndb ") + NDB_VERSION, "Print the version and exit");
  add_global_options(app, global, session);
  add_collection_commands(app, session, action);
  add_history_commands(app, session, action);
  add_import_command(app, session, action);
  add_remote_import_commands(app, session, action);
#ifdef NDB_HAS_FAISS
  add_faiss_import_command(app, session, action);
#endif
  add_export_command(app, session, action);
  add_document_commands(app, session, action);
  add_search_command(app, session, action);
  add_maintenance_commands(app, session, action);
  add_verify_command(app, session, action);
  add_bench_command(app, session, action);
  add_manual_commands(app, session, action);
  add_top_command(app, session, action);
  add_health_command(app, session, action);
  add_probe_command(app, session, action);
  add_backup_commands(app, session, action);
  app.add_subcommand("version", "Print the version")->callback([&] {
    action = [&]() -> Status {
      if (session.json) session.print_json(fmt::format("{{\"version\":\"{}\"}}", NDB_VERSION));
      else streams.out << "ndb " << NDB_VERSION << '\n';
      return {};
    };
  });
  app.footer(kFooter);  // after the commands, which would take it as theirs
  if (!args.empty() && args.front() == kCompleteWord) return print_candidates(app, args, session);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, streams.out, streams.err);  // help or version was asked for
    const auto commands = app.get_subcommands();
    const std::string where = commands.empty() ? "ndb --help" : "ndb " + commands.front()->get_name() + " --help";
    const bool unknown = commands.empty() && !args.empty() && !args.front().starts_with('-');
    const std::string what = unknown ? fmt::format("there is no command '{}'", args.front()) : error.what();
    return report(Error{ErrorCode::invalid_argument, fmt::format("{}; see {}", what, where), std::string(kUsageField)}, session);
  }
  Status done = resolve_address(global, session);
  if (done) done = action();
  return done ? 0 : report(done.error(), session);
}

}  // namespace ndb::cli
