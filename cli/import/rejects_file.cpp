#include "cli/import/rejects_file.hpp"

#include <cerrno>

#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

std::string encode(const Reject& reject) {
  http::JsonWriter json;
  json.begin_object().field("file", reject.file).field("row", reject.row);
  if (reject.line > 0) json.field("line", reject.line);
  if (!reject.id.empty()) json.field("id", reject.id);
  json.field("error", reject.why);
  if (!reject.text.empty()) json.field("text", reject.text);
  json.end_object();
  return std::move(json).text() + "\n";
}

}  // namespace

Status RejectsFile::go_on(std::uint64_t count, std::uint64_t bytes) {
  if (count == 0) return {};
  std::error_code error;
  const auto there = std::filesystem::file_size(path_, error);
  if (!error && there > bytes) std::filesystem::resize_file(path_, bytes, error);
  if (error || there < bytes)
    return fail(ErrorCode::not_found, path_.string() + ", which the import before wrote, is gone or shorter; --restart imports from the start");
  count_ = count;
  bytes_ = bytes;
  return {};
}

Status RejectsFile::add(std::span<const Reject> rejects) {
  if (rejects.empty()) return {};
  if (!file_.is_open()) file_.open(path_, count_ > 0 ? std::ios::app | std::ios::binary : std::ios::trunc | std::ios::binary);
  for (const auto& reject : rejects) {
    const std::string line = encode(reject);
    file_ << line;
    bytes_ += line.size();
    if (first_.empty()) first_ = reject.why;
  }
  count_ += rejects.size();
  file_.flush();
  if (!file_) return base::fail_errno(errno, "write the rejects to " + path_.string());
  return {};
}

}  // namespace ndb::cli
