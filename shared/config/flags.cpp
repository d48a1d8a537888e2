#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "shared/base/result.hpp"
#include "shared/config/keys.hpp"
#include "shared/config/sources.hpp"

namespace ndb::config {
namespace {

struct Given {
  std::map<std::string, std::string> values;  // by key name; map, because options keep references into it
  std::vector<std::string> collections;
};

std::string first_flag(const Key& key) { return key.flags.substr(0, key.flags.find(',')); }

std::string describe(const Key& key, const DaemonConfig& standard) {
  std::string text = fmt::format("{}: {}", key.help, key.allowed);
  if (key.get) text += fmt::format(" [{}]", key.get(standard));
  return text + fmt::format(" ({})", key.variable);
}

void add_option(CLI::App& app, const Key& key, const DaemonConfig& standard, Given& given) {
  const std::string help = describe(key, standard);
  CLI::Option* option = nullptr;
  switch (key.form) {
    case Form::collections:
      app.add_option(key.flags, given.collections, help)->type_name("SPEC")->allow_extra_args(false);
      return;
    case Form::toggle: option = app.add_flag(key.flags, given.values[key.name], help); break;
    case Form::value: option = app.add_option(key.flags, given.values[key.name], help)->type_name(""); break;
  }
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

const char* program(Role role) { return role == Role::writer ? "ndb-writer" : "ndb-reader"; }

std::string about(Role role) {
  const char* what = role == Role::writer
                         ? "ndb-writer owns the collections of a folder: it takes writes, keeps them, indexes them, and answers "
                           "searches over HTTP."
                         : "ndb-reader answers searches over HTTP from a folder that a writer owns. It never writes to it; start "
                           "as many as needed.";
  return fmt::format("{}\nSettings: flags win over variables (NDB_…), variables over the YAML file, that over the defaults.",
                     what);
}

std::string footer(Role role) {
  return fmt::format("A setting that is true or false: --x, --x=true or --x true; --no-x, --x=false or --x false.\n"
                     "Secrets come from the environment only: NDB_API_KEY, NDB_READ_API_KEY, or the files named above.\n"
                     "Example: {} --data-dir ./data --listen {}\n",
                     program(role), defaults(role).listen);
}

// "--x", "--no-x", "--x=false" and "--x false" are all understood for a setting that is true or false.
std::vector<std::string> with_toggles_spelt_out(const std::vector<std::string>& args) {
  std::vector<std::string> plain;
  for (std::size_t i = 0; i < args.size(); ++i) {
    plain.push_back(args[i]);
    for (const Key& key : keys()) {
      if (key.form != Form::toggle) continue;
      const std::string flag = first_flag(key);
      const bool value_follows = i + 1 < args.size() && is_toggle_value(args[i + 1]);
      if (args[i] == "--no-" + flag.substr(2)) plain.back() = flag + "=false";
      if (args[i] == flag && value_follows) plain.back() = flag + "=" + args[++i];
    }
  }
  return plain;
}

Status collect(const CLI::App& app, Given& given, CommandLine& into) {
  for (const Key& key : keys()) {
    if (app.count(first_flag(key)) == 0) continue;
    if (key.form != Form::collections) {
      into.settings.values.push_back({key.name, given.values[key.name], first_flag(key)});
      continue;
    }
    into.settings.collections.emplace();
    into.settings.collections_origin = first_flag(key);
    for (const auto& text : given.collections) {
      NDB_TRY_ASSIGN(auto entries, parse_collections(text, first_flag(key)));
      std::ranges::move(entries, std::back_inserter(*into.settings.collections));
    }
  }
  return {};
}

}  // namespace

Result<CommandLine> read_flags(Role role, const std::vector<std::string>& args) {
  CLI::App app(about(role), program(role));
  app.footer(footer(role));
  CommandLine line;
  Given given;
  app.add_option("--config", line.config_file, "YAML file with settings (NDB_CONFIG)")->type_name("FILE");
  app.add_flag("--print-config", line.print_config, "Print the settings in force, each with its origin, and exit");
  app.set_version_flag("--version", fmt::format("{} {}", program(role), NDB_VERSION), "Print the version and exit");
  const DaemonConfig standard = defaults(role);
  for (const Key& key : keys()) add_option(app, key, standard, given);
  try {
    const auto plain = with_toggles_spelt_out(args);
    app.parse(std::vector<std::string>(plain.rbegin(), plain.rend()));
  } catch (const CLI::CallForHelp&) {
    line.output = app.help();
    return line;
  } catch (const CLI::CallForVersion&) {
    line.output = app.version() + "\n";
    return line;
  } catch (const CLI::Error& error) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}; see {} --help", error.what(), program(role)));
  }
  NDB_TRY(collect(app, given, line));
  return line;
}

}  // namespace ndb::config
