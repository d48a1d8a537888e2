// The tool's manual page as roff, made of the declarations of its commands. Include only from .cpp files. Threads: a pure function.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace ndb::cli {

[[nodiscard]] std::string man_page(const CLI::App& app, const std::string& version);

}  // namespace ndb::cli
