#include "cli/manual/man_page.hpp"

#include <fmt/format.h>

#include <array>

#include "cli/manual/app_words.hpp"

namespace ndb::cli {
namespace {

/// The character at the front of UTF-8 text that is ours, and its bytes.
std::pair<std::uint32_t, std::size_t> character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0xc0) return {lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  constexpr std::array<std::uint32_t, 5> masks{0, 0, 0x1f, 0x0f, 0x07};
  std::uint32_t code = lead & masks[bytes];
  for (std::size_t i = 1; i < bytes && i < text.size(); ++i) code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  return {code, bytes};
}

/// Text as roff takes it: nothing in it is a request, quotes and dashes stay what they are.
std::string roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  while (!text.empty()) {
    const auto [code, bytes] = character(text);
    if (line_begins && (code == '.' || code == '\'')) out += "\\&";
    if (code == '\\') out += "\\e";
    else if (code == '-') out += "\\-";
    else if (code == '\'') out += "\\(aq";
    else if (code == '"') out += "\\(dq";
    else if (code == '`') out += "\\(ga";
    else if (code == '~') out += "\\(ti";
    else if (code == '^') out += "\\(ha";
    else if (code >= 0x80) out += fmt::format("\\[u{:04X}]", code);
    else out += static_cast<char>(code);
    line_begins = code == '\n';
    text.remove_prefix(std::min(bytes, text.size()));
  }
  return out;
}

/// Lines as they are, such as examples.
std::string verbatim(const std::string& text) {
  std::string lines;
  std::size_t blank = 0;  // lines that wait: a blank one is no blank line in roff
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    if (line.empty()) ++blank;
    else lines += std::string(blank > 0 && !lines.empty() ? ".sp\n" : "") + roff(line) + "\n", blank = 0;
    at = end + 1;
  }
  return ".nf\n" + lines + ".fi\n";
}

std::string option_text(const CLI::Option& option) {
  std::string names;
  for (const auto& name : names_of(option)) names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", roff(name));
  if (takes_value(option)) names += fmt::format(" \\fI{}\\fR", roff(value_name(option)));
  return fmt::format(".TP\n{}\n{}\n", names, roff(option.get_description()));
}

std::string options_text(const CLI::App& app) {
  std::string text;
  for (const auto* option : options_of(app)) text += option_text(*option);
  return text;
}

void add_command(const CLI::App& command, const std::string& words, std::string& page) {
  const auto inner = subcommands_of(command);
  for (const auto* sub : inner) add_command(*sub, words + " " + sub->get_name(), page);
  if (!inner.empty()) return;
  std::string synopsis = fmt::format("\\fB{}\\fR", roff(words));
  for (const auto& argument : arguments_of(command)) synopsis += fmt::format(" \\fI{}\\fR", roff(argument));
  page += fmt::format(".SS {}\n{}.\n", synopsis, roff(command.get_description()));
  for (const auto* option : command.get_options())
    if (!option->nonpositional()) page += fmt::format(".TP\n\\fI{}\\fR\n{}\n", roff(value_name(*option)), roff(option->get_description()));
  page += options_text(command);
  if (!command.get_footer().empty()) page += ".PP\n" + verbatim(command.get_footer());
}

}  // namespace

std::string man_page(const CLI::App& app, const std::string& version) {
  std::string page = fmt::format(".TH NDB 1 \"\" \"ndb {0}\" \"nDB\"\n.SH NAME\nndb \\- collections of vectors: fill, search, look inside, back up\n"
                                 ".SH SYNOPSIS\n\\fBndb\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n.SH DESCRIPTION\n{1}\n",
                                 roff(version), roff(app.get_description()));
  page += ".SH OPTIONS\nThey may stand before or behind the command.\n" + options_text(app) + ".SH COMMANDS\n";
  for (const auto* command : subcommands_of(app)) add_command(*command, "ndb " + command->get_name(), page);
  return page + ".SH EXAMPLES AND NOTES\n" + verbatim(app.get_footer());
}

}  // namespace ndb::cli
