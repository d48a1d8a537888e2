#include "cli/backup/backup_list.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/answer.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "ndb/collection_config.hpp"
#include "shared/base/crc32c.hpp"
#include "shared/base/result.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::cli {
namespace {

constexpr const char* kName = "BACKUP";
constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kMaxListBytes = 1ULL << 30, kMaxListedBytes = 8ULL << 30;

std::string encode(const BackupList& list) {
  http::JsonWriter json;
  json.begin_object().field("ndb-backup", kVersion).field("created_unix_ms", list.created_unix_ms).key("collections").begin_array();
  for (const auto& collection : list.collections) {
    json.begin_object().field("name", collection.name).field("uid", collection.uid).field("manifest_version", collection.manifest_version);
    json.field("seq", collection.seq).field("rows", collection.rows).key("files").begin_array();
    for (const auto& file : collection.files) {
      json.begin_object().field("path", file.path).field("bytes", file.bytes);
      if (file.checked) json.field("crc32c", file.checksum);
      json.end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return std::move(json).text();
}

bool inside(const std::string& path) {
  const std::filesystem::path relative(path);
  return !path.empty() && relative.is_relative() && std::ranges::find(relative, "..") == relative.end();
}

Result<BackupCollection> decode_collection(const boost::json::object& object) {
  BackupCollection collection{.name = text_at(object, "name"), .uid = text_at(object, "uid"), .manifest_version = count_at(object, "manifest_version"),
                              .seq = count_at(object, "seq"), .rows = count_at(object, "rows"), .files = {}};
  NDB_TRY(validate_collection_name(collection.name));
  for (const auto& one : array_at(object, "files")) {
    const auto& file = as_object(one);
    collection.files.push_back({.path = text_at(file, "path"), .bytes = count_at(file, "bytes"),
                                .checksum = static_cast<std::uint32_t>(count_at(file, "crc32c")), .checked = file.if_contains("crc32c") != nullptr});
    if (!inside(collection.files.back().path)) return fail(ErrorCode::corruption, "a file of the list is outside the backup");
  }
  return collection;
}

}  // namespace

std::uint64_t BackupCollection::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& file : files) sum += file.bytes;
  return sum;
}

bool is_backup(const std::filesystem::path& folder) {
  std::error_code ignored;
  return std::filesystem::exists(folder / kName, ignored);
}

Result<BackupList> read_backup_list(const std::filesystem::path& folder) {
  const auto path = folder / kName;
  const auto damaged = [&] { return fail(ErrorCode::corruption, path.string() + ": is damaged"); };
  std::error_code error;
  const auto what = std::filesystem::symlink_status(path, error);
  if (std::filesystem::exists(what) && !std::filesystem::is_regular_file(what)) return fail(ErrorCode::corruption, path.string() + ": is no plain file");
  NDB_TRY_ASSIGN(const auto bytes, fs::read_file(fs::posix_file_system(), path, kMaxListBytes));
  const auto text = base::as_text(bytes);
  const auto end = text.find('\n');  // JSON in one line, then a line with its checksum
  if (end == std::string_view::npos || text.substr(end + 1) != fmt::format("{:08x}\n", base::crc32c(base::as_bytes(text.substr(0, end))))) return damaged();
  const auto object = parse_answer(text.substr(0, end));
  if (!object) return damaged();
  if (count_at(*object, "ndb-backup") != kVersion)
    return fail(ErrorCode::invalid_argument, fmt::format("{}: was made by a newer nDB (version {})", path.string(), count_at(*object, "ndb-backup")));
  BackupList list{.created_unix_ms = count_at(*object, "created_unix_ms"), .collections = {}};
  for (const auto& one : array_at(*object, "collections")) {
    NDB_TRY_ASSIGN(auto collection, decode_collection(as_object(one)));
    list.collections.push_back(std::move(collection));
  }
  return list;
}

Status write_backup_list(const std::filesystem::path& folder, const BackupList& list) {
  const std::string text = encode(list);
  return fs::create_file_exclusively(fs::posix_file_system(), folder / kName,
                                     base::as_bytes(text + fmt::format("\n{:08x}\n", base::crc32c(base::as_bytes(text)))));
}

std::vector<std::string> find_odd_files(const std::filesystem::path& folder) {
  std::vector<std::string> found;
  std::error_code error;
  if (!std::filesystem::is_directory(std::filesystem::symlink_status(folder, error))) return {folder.string() + ": is no plain folder"};
  for (auto entry = std::filesystem::recursive_directory_iterator(folder, error); !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    const auto what = entry->symlink_status(error);
    if (!std::filesystem::is_directory(what) && !std::filesystem::is_regular_file(what)) found.push_back(entry->path().string() + ": is no plain file or folder");
  }
  if (error) found.push_back(fmt::format("{}: {}", folder.string(), error.message()));
  return found;
}

std::vector<std::string> check_backup_files(const std::filesystem::path& folder, const BackupCollection& collection) {
  std::vector<std::string> problems;
  for (const auto& file : collection.files) {
    const auto path = folder / file.path;
    std::error_code error;
    const auto bytes = std::filesystem::file_size(path, error);
    if (error) {
      problems.push_back(fmt::format("{}: {}", path.string(), error.message()));
    } else if (bytes != file.bytes) {
      problems.push_back(fmt::format("{}: has {} bytes, the backup was made with {}", path.string(), bytes, file.bytes));
    } else if (file.checked) {
      const auto content = fs::read_file(fs::posix_file_system(), path, kMaxListedBytes);
      if (!content) problems.push_back(content.error().message);
      else if (base::crc32c(*content) != file.checksum) problems.push_back(path.string() + ": is not what was backed up");
    }
  }
  return problems;
}

}  // namespace ndb::cli
