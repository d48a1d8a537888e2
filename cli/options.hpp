// Options that several commands have. Include only from .cpp files: CLI11 is heavy. Threads: plain functions.
#pragma once

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

#include "ndb/collection_config.hpp"
#include "ndb/error.hpp"

namespace ndb::cli {

/// The positional COLLECTION, checked when the command is parsed.
inline void add_collection_name(CLI::App& command, std::string& name) {
  command.add_option("collection", name, "Name of the collection")
      ->required()
      ->type_name("COLLECTION")
      ->check([](const std::string& text) {
        const Status status = validate_collection_name(text);
        return status ? std::string() : status.error().message;
      });
}

/// Adds a subcommand whose options live in a shared `Options`; `act(options)` is what is done when it was chosen.
template <class Options, class Declare, class Act, class Action>
void add_command(CLI::App& app, Action& action, const char* name, const char* about, Declare declare, Act act) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(name, about);
  declare(*command, *options);
  command->callback([options, act, &action] { action = [options, act] { return act(*options); }; });
}

}  // namespace ndb::cli
