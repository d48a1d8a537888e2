// `ndb probe`: tries a volume (ipc/volume/probe.hpp). Threads: one; the tool has no other yet when it forks.
#pragma once

#include "cli/command.hpp"

namespace ndb::cli {

void add_probe_command(CLI::App& app, Session& session, Action& action);

}  // namespace ndb::cli
