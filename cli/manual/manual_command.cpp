#include "cli/manual/manual_command.hpp"

#include "cli/manual/completion.hpp"
#include "cli/manual/man_page.hpp"
#include "cli/options.hpp"

namespace ndb::cli {
namespace {

struct Shell {
  std::string name;
};

}  // namespace

void add_manual_commands(CLI::App& app, Session& session, Action& action) {
  app.add_subcommand("man", "Print the manual page, as roff: ndb man | man -l -")->callback([&] {
    action = [&]() -> Status {
      session.streams.out << man_page(app, NDB_VERSION);
      return {};
    };
  });
  add_command<Shell>(
      app, action, "completion", "Print what lets a shell complete commands, options and names of collections",
      [](CLI::App& command, Shell& options) {
        command.add_option("shell", options.name, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}))->type_name("SHELL");
        command.footer("Examples:\n  source <(ndb completion bash)\n  ndb completion fish | source");
      },
      [&](Shell& options) -> Status {
        session.streams.out << completion_script(options.name);
        return {};
      });
}

}  // namespace ndb::cli
