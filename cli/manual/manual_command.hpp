// ndb man and ndb completion. Threads: a plain function.
#pragma once

#include "cli/command.hpp"

namespace ndb::cli {

void add_manual_commands(CLI::App& app, Session& session, Action& action);

}  // namespace ndb::cli
