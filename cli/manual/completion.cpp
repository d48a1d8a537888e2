#include "cli/manual/completion.hpp"

#include <algorithm>
#include <ranges>

#include "cli/manual/app_words.hpp"

namespace ndb::cli {
namespace {

// Walks over what was typed, as the parser would, and then looks what may stand there.
class Completer {
 public:
  Completer(const CLI::App& app, const FindCollections& collections) : root_(app), command_(&app), collections_(collections) {}

  void pass(const std::string& word) {
    if (waiting_ != nullptr) return note(*waiting_, word);
    if (word.starts_with("--")) {
      const auto equals = word.find('=');
      const auto* const option = find(word.substr(0, equals));
      if (option == nullptr || !takes_value(*option)) return;
      if (equals == std::string::npos) waiting_ = option;
      else note(*option, word.substr(equals + 1));
    } else if (word.size() >= 2 && word.front() == '-') {
      const auto* const option = find(word.substr(0, 2));
      if (option != nullptr && takes_value(*option) && word.size() == 2) waiting_ = option;  // -k5 has its value
    } else if (const auto inner = subcommands_of(*command_); !inner.empty()) {
      const auto found = std::ranges::find(inner, word, [](const CLI::App* sub) { return sub->get_name(); });
      if (found != inner.end()) command_ = *found;
      else lost_ = true;
    } else {
      ++arguments_;
    }
  }

  std::vector<Candidate> candidates(const std::string& word) {
    if (lost_) return {};
    const auto equals = word.find('=');
    if (waiting_ != nullptr) {
      add_values(*waiting_, "");
    } else if (word.starts_with("--") && equals != std::string::npos) {
      if (const auto* const option = find(word.substr(0, equals)); option != nullptr) add_values(*option, word.substr(0, equals + 1));
    } else if (word.starts_with('-')) {
      add_options();
    } else if (const auto inner = subcommands_of(*command_); !inner.empty()) {
      for (const auto* sub : inner) found_.push_back({sub->get_name(), sub->get_description()});
    } else {
      add_argument();
    }
    std::erase_if(found_, [&](const Candidate& one) { return !one.text.starts_with(':') && !one.text.starts_with(word); });
    return std::move(found_);
  }

 private:
  /// Of the command or of the tool.
  [[nodiscard]] const CLI::Option* find(const std::string& name) const {
    for (const auto* app : {command_, &root_})
      for (const auto* option : app->get_options()) {
        const auto names = names_of(*option);
        if (std::ranges::find(names, name) != names.end()) return option;
      }
    return nullptr;
  }
  void note(const CLI::Option& option, const std::string& value) {
    typed_[names_of(option).back()] = value;
    waiting_ = nullptr;
  }

  void add_options() {
    for (const auto* app : {command_, &root_}) {
      for (const auto* option : options_of(*app))
        for (const auto& name : names_of(*option)) found_.push_back({name, option->get_description()});
      if (app == &root_) break;  // the command may be the tool itself
    }
  }
  void add_values(const CLI::Option& option, const std::string& before) {
    for (const auto& value : values_of(option)) found_.push_back({before + value, ""});
    if (found_.empty()) add_kind(names_of(option).back() == "--collection" ? "COLLECTION" : value_name(option));
  }
  void add_argument() {
    const auto arguments = arguments_of(*command_);
    if (arguments.empty()) return;
    const bool repeats = arguments.back().ends_with("...");
    if (arguments_ < arguments.size() || repeats) add_kind(arguments[std::min(arguments_, arguments.size() - 1)]);
  }
  /// "COLLECTION|FILE..."
  void add_kind(const std::string& kind) {
    const auto is = [&](std::string_view word) { return kind.find(word) != std::string::npos; };
    if (is("COLLECTION"))
      for (const auto& name : collections_(typed_)) found_.push_back({name, "collection"});
    if (is("FILE") || is("INDEX")) found_.push_back({std::string(kFiles)});
    if (is("DIR")) found_.push_back({std::string(kFolders)});
    if (is("SHELL"))
      for (const char* shell : {"bash", "zsh", "fish"}) found_.push_back({shell});
  }

  const CLI::App& root_;
  const CLI::App* command_;
  const FindCollections& collections_;
  const CLI::Option* waiting_ = nullptr;  // for its value
  std::size_t arguments_ = 0;             // of the command, before the last word
  bool lost_ = false;                     // behind a command that does not exist
  std::map<std::string, std::string> typed_;
  std::vector<Candidate> found_;
};

// Bash takes a word apart at = and :, and wants the last part only.
constexpr const char* kBash = R"(# Completion of ndb for bash: source <(ndb completion bash)
_ndb() {
  local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]} candidate
  local -a typed
  read -ra typed <<< "$line"
  [[ $line == *[[:space:]] ]] && typed+=("")
  [[ $current == [=:] ]] && current=
  local before=${typed[${#typed[@]} - 1]%"$current"}
  COMPREPLY=()
  while IFS=$'\t' read -r candidate _; do
    case $candidate in
      :files) compopt -o filenames 2> /dev/null; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current") ;;
      :folders) compopt -o filenames 2> /dev/null; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current") ;;
      *) COMPREPLY+=("${candidate#"$before"}") ;;
    esac
  done < <("${COMP_WORDS[0]}" __complete "${typed[@]:1}" 2> /dev/null)
}
complete -F _ndb ndb
)";

constexpr const char* kZsh = R"(#compdef ndb
# Completion of ndb for zsh: source <(ndb completion zsh), or as the file _ndb in a folder of fpath.
_ndb() {
  local line candidate about
  local -a found
  for line in "${(@f)$(${words[1]} __complete "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2> /dev/null)}"; do
    candidate=${line%%$'\t'*} about=${line#*$'\t'}
    case $candidate in
      "") ;;
      :files) _files ;;
      :folders) _files -/ ;;
      *) found+=("${candidate//:/\\:}:$about") ;;
    esac
  done
  (( $#found )) && _describe ndb found
  return 0
}
if [[ ${funcstack[1]} == _ndb ]]; then
  _ndb "$@"
else
  compdef _ndb ndb
fi
)";

constexpr const char* kFish = R"(# Completion of ndb for fish: ndb completion fish | source
function __ndb_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for candidate in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        switch $candidate
            case ':files*'
                __fish_complete_path "$current"
            case ':folders*'
                __fish_complete_directories "$current"
            case '*'
                echo $candidate
        end
    end
end
complete -c ndb -f -a '(__ndb_complete)'
)";

}  // namespace

std::vector<Candidate> complete(const CLI::App& app, const std::vector<std::string>& words, const FindCollections& collections) {
  Completer completer(app, collections);
  for (std::size_t i = 0; i + 1 < words.size(); ++i) completer.pass(words[i]);
  return completer.candidates(words.empty() ? "" : words.back());
}

std::string completion_script(const std::string& shell) { return shell == "fish" ? kFish : shell == "zsh" ? kZsh : kBash; }

}  // namespace ndb::cli
