#include "cli/import/import_place.hpp"

#include <fmt/format.h>

#include "shared/base/crc32c.hpp"

namespace ndb::cli {
namespace {

/// 64 bits are plenty: a file of another import under the same name is noticed by its first line.
std::string hash(const std::string& text) {
  const auto bytes = base::as_bytes(text);
  return fmt::format("{:08x}{:08x}", base::crc32c(bytes), base::crc32c(bytes, 1));
}

std::filesystem::path folder(const Session& session) {
  if (session.address.url.empty()) return std::filesystem::path(session.address.data_dir) / ".imports";
  if (const auto state = session.environment("XDG_STATE_HOME"); state && !state->empty()) return std::filesystem::path(*state) / "ndb/imports";
  if (const auto own = session.environment("HOME"); own && !own->empty()) return std::filesystem::path(*own) / ".local/state/ndb/imports";
  return std::filesystem::temp_directory_path() / "ndb-imports";
}

/// Only what can stand in a file's name everywhere.
std::string safe(std::string name) {
  for (char& c : name)
    if (c == '/' || c == '\\' || c == ':' || static_cast<unsigned char>(c) < 0x20) c = '_';
  return name;
}

}  // namespace

std::filesystem::path state_path(const Session& session, const ImportOptions& options, const DocumentSource& source) {
  if (!options.state.empty()) return options.state;
  return folder(session) / fmt::format("{}-{}.state", options.name, hash(session.address.url + "\n" + source.origin()));
}

std::filesystem::path rejects_path(const ImportOptions& options, const std::string& source_name) {
  if (!options.rejects.empty()) return options.rejects;
  return safe(source_name) + ".rejects.jsonl";
}

}  // namespace ndb::cli
