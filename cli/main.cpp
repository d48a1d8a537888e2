// ndb: the command-line tool.
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "cli/command.hpp"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error like any other, not a silent death
  const ndb::cli::Streams streams{.out = std::cout, .err = std::cerr, .err_is_terminal = ::isatty(STDERR_FILENO) == 1};
  const int code = ndb::cli::run(std::vector<std::string>(argv + 1, argv + argc), streams, ndb::cli::open_target,
                                 ndb::config::process_environment());
  std::cout.flush();
  return code == 0 && !std::cout ? 1 : code;
}
