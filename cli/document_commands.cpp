#include <fmt/format.h>

#include "cli/answer.hpp"
#include "cli/command.hpp"
#include "cli/history/as_of.hpp"
#include "cli/options.hpp"
#include "cli/text.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "ndb/filter.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

struct Ids {
  std::string name;
  std::vector<std::string> ids;
  std::string filter;
  bool all = false;
  AsOfOptions as_of;
};

std::string ids_body(const std::vector<std::string>& ids) {
  http::JsonWriter json;
  json.begin_object().key("ids").begin_array();
  for (const auto& id : ids) json.string(id);
  json.end_array().end_object();
  return std::move(json).text();
}

/// Checks a filter where it was typed, so that a slip is a usage error and the message says --filter.
Status check_filter(const std::string& filter) {
  const auto parsed = Filter::from_json(filter, "--filter");
  return parsed ? Status{} : usage(parsed.error().message);
}

Status get(const Session& session, const Ids& options) {
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::read));
  NDB_TRY_ASSIGN(const auto text, target->get(options.name, with_as_of(ids_body(options.ids), options.as_of)));
  NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
  const auto& missing = array_at(answer, "missing");
  if (session.json) {
    session.print_json(text);
  } else {
    for (const auto& one : array_at(answer, "documents")) {
      const auto& document = as_object(one);
      const std::string payload = payload_line(document);
      session.streams.out << fmt::format("id       {}\nvector   {}\npayload  {}\n\n", printable(text_at(document, "id")),
                                         short_vector(array_at(document, "vector")), payload.empty() ? "-" : payload);
    }
    tell_as_of(session, answer);
    for (const auto& id : missing)
      session.streams.err << "ndb: no document '" << printable(id.is_string() ? std::string_view(id.get_string()) : "") << "'\n";
  }
  return missing.empty() ? Status{} : reported();
}

Result<std::string> delete_body(const Ids& options) {
  if (options.ids.empty() == options.filter.empty()) return usage("give either ids or --filter");
  if (options.filter.empty()) return ids_body(options.ids);
  NDB_TRY(check_filter(options.filter));
  NDB_TRY_ASSIGN(const auto filter, Filter::from_json(options.filter));
  if (filter.matches_all() && !options.all) return usage("this filter matches every document; say --all if you mean it");
  return "{\"filter\":" + options.filter + "}";
}

Status remove(const Session& session, const Ids& options) {
  NDB_TRY_ASSIGN(const auto body, delete_body(options));
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::write));
  NDB_TRY_ASSIGN(const auto text, target->remove(options.name, body));
  if (session.json) return session.print_json(text), Status{};
  NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
  session.streams.out << fmt::format("deleted {} documents (seq {})\n", grouped(count_at(answer, "deleted")), count_at(answer, "seq"));
  return {};
}

Status count(const Session& session, const Ids& options) {
  if (!options.filter.empty()) NDB_TRY(check_filter(options.filter));
  const std::string body = options.filter.empty() ? "{}" : "{\"filter\":" + options.filter + "}";
  NDB_TRY_ASSIGN(const auto target, session.open(Purpose::read));
  NDB_TRY_ASSIGN(const auto text, target->count(options.name, with_as_of(body, options.as_of)));
  if (session.json) return session.print_json(text), Status{};
  NDB_TRY_ASSIGN(const auto answer, parse_answer(text));
  tell_as_of(session, answer);
  session.streams.out << count_at(answer, "count") << '\n';
  return {};
}

void declare_ids(CLI::App& command, Ids& options, bool required) {
  add_collection_name(command, options.name);
  auto* ids = command.add_option("ids", options.ids, "Ids of documents")->type_name("ID...");
  if (required) ids->required();
}

}  // namespace

void add_document_commands(CLI::App& app, Session& session, Action& action) {
  add_command<Ids>(
      app, action, "get", "Show documents by their ids; fails if one is missing",
      [](CLI::App& command, Ids& options) {
        declare_ids(command, options, true);
        add_as_of_options(command, options.as_of);
      },
      [&](Ids& options) { return get(session, options); });
  add_command<Ids>(
      app, action, "delete", "Delete documents by their ids or by a filter",
      [](CLI::App& command, Ids& options) {
        declare_ids(command, options, false);
        command.add_option("--filter", options.filter, "Delete what matches")->type_name("JSON");
        command.add_flag("--all", options.all, "Allow a filter that matches everything");
        command.footer("Example: ndb delete docs --filter '{\"year\":{\"$lt\":2000}}'");
      },
      [&](Ids& options) { return remove(session, options); });
  const auto filtered = [](CLI::App& command, Ids& options) {
    add_collection_name(command, options.name);
    command.add_option("--filter", options.filter, "Only what matches")->type_name("JSON");
    add_as_of_options(command, options.as_of);
  };
  add_command<Ids>(app, action, "count", "Count documents, all or those that match a filter", filtered,
                   [&](Ids& options) { return count(session, options); });
}

}  // namespace ndb::cli
