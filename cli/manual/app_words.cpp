#include "cli/manual/app_words.hpp"

#include <sstream>

namespace ndb::cli {

std::vector<const CLI::App*> subcommands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* sub) { return !sub->get_name().empty(); });
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  std::vector<const CLI::Option*> options;
  for (const auto* option : app.get_options())
    if (option->nonpositional() && (app.get_parent() == nullptr || option != app.get_help_ptr())) options.push_back(option);
  return options;
}

std::vector<std::string> arguments_of(const CLI::App& command) {
  std::vector<std::string> arguments;
  for (const auto* option : command.get_options()) {
    if (option->nonpositional()) continue;
    std::istringstream words(value_name(*option));
    for (std::string word; words >> word;) arguments.push_back(word);
  }
  return arguments;
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// CLI11 puts what is allowed behind the name: "NAME:{cosine,dot}", "SECONDS:UINT in [1 - 86400]".
std::string value_name(const CLI::Option& option) {
  const std::string text = option.get_type_name();
  return text.substr(0, text.find(':'));
}

std::vector<std::string> values_of(const CLI::Option& option) {
  const std::string text = option.get_type_name();
  const auto begin = text.find(":{"), end = text.find('}');
  std::vector<std::string> values;
  if (begin == std::string::npos || end == std::string::npos) return values;
  std::istringstream words(text.substr(begin + 2, end - begin - 2));
  for (std::string word; std::getline(words, word, ',');) values.push_back(word);
  return values;
}

}  // namespace ndb::cli
