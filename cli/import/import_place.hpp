// Where an import keeps what it needs beside the documents. Threads: plain functions.
#pragma once

#include <filesystem>
#include <string>

#include "cli/import/importer.hpp"

namespace ndb::cli {

/// --state, or a name made of target, collection and source: under <data>/.imports for a folder, else under
/// $XDG_STATE_HOME/ndb/imports (~/.local/state). The same command finds the same file again.
[[nodiscard]] std::filesystem::path state_path(const Session& session, const ImportOptions& options, const DocumentSource& source);
/// --rejects, or <source>.rejects.jsonl in the current folder.
[[nodiscard]] std::filesystem::path rejects_path(const ImportOptions& options, const std::string& source_name);

}  // namespace ndb::cli
