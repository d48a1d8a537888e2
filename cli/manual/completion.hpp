// What may come next on a command line that is being typed, and the scripts that let shells ask for it. The scripts know nothing but how to
// ask ("ndb __complete WORDS..."), so they never differ from the tool that answers. Include only from .cpp files. Threads: plain functions.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace ndb::cli {

/// The tool's first word when a shell asks.
inline constexpr std::string_view kCompleteWord = "__complete";
/// Candidates that the shell has to find itself.
inline constexpr std::string_view kFiles = ":files", kFolders = ":folders";

struct Candidate {
  std::string text;
  std::string about{};
};

/// Names of the collections, given the options and values that were typed so far.
using FindCollections = std::function<std::vector<std::string>(const std::map<std::string, std::string>& options)>;

/// words: what was typed behind "ndb"; the last one, perhaps "", is not complete yet.
[[nodiscard]] std::vector<Candidate> complete(const CLI::App& app, const std::vector<std::string>& words, const FindCollections& collections);

/// shell: "bash", "zsh" or "fish".
[[nodiscard]] std::string completion_script(const std::string& shell);

}  // namespace ndb::cli
