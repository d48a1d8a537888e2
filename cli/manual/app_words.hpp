// What the declarations of the commands say: the one source of --help, of the manual page and of completion. Include only from .cpp files:
// CLI11 is heavy. Threads: plain functions.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace ndb::cli {

[[nodiscard]] std::vector<const CLI::App*> subcommands_of(const CLI::App& app);
/// Those that begin with a dash, --help of the tool itself only.
[[nodiscard]] std::vector<const CLI::Option*> options_of(const CLI::App& app);
/// What stands without a name, in order: "COLLECTION", "FILE...".
[[nodiscard]] std::vector<std::string> arguments_of(const CLI::App& command);

/// "-q", "--quiet"
[[nodiscard]] std::vector<std::string> names_of(const CLI::Option& option);
[[nodiscard]] bool takes_value(const CLI::Option& option);
/// "FILE", "NAME", without what it may be.
[[nodiscard]] std::string value_name(const CLI::Option& option);
/// The words that it may be, where they are few: "cosine", "dot", "euclidean".
[[nodiscard]] std::vector<std::string> values_of(const CLI::Option& option);

}  // namespace ndb::cli
