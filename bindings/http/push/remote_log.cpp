#include "bindings/http/push/remote_log.hpp"

#include <fmt/format.h>

#include "ipc/http/error_map.hpp"
#include "ipc/http/target.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {
namespace {

ClientOptions with_time_for_waiting(ClientOptions options) {
  options.request_timeout = RemoteLog::kLongestWait + std::chrono::seconds(10);
  return options;
}

std::optional<std::uint64_t> number_in(const Headers& headers, std::string_view name) {
  const auto text = find_header(headers, name);
  return text ? format::parse_number(*text) : std::nullopt;
}

}  // namespace

std::string wal_file_text(format::WalName file) {
  return format::wal_path({}, file).filename().string();
}

RemoteLog::RemoteLog(std::string writer_url, ClientOptions client, std::function<Keys()> keys)
    : writer_(std::move(writer_url), with_time_for_waiting(std::move(client))), keys_(std::move(keys)) {}

Result<writer::WalChunk> RemoteLog::read(const std::string& collection, const writer::WalPlace& place, std::chrono::milliseconds wait) {
  const Keys keys = keys_();
  const std::string& key = keys.full.empty() ? keys.read : keys.full;
  Headers headers;
  if (!key.empty()) headers.push_back({"Authorization", "Bearer " + key});
  const auto target = fmt::format("/v1/collections/{}/wal?file={}&offset={}&manifest={}&wait_ms={}", percent_encode(collection),
                                  wal_file_text(place.file), place.offset, place.manifest.value, std::min(wait, kLongestWait).count());
  NDB_TRY_ASSIGN(const ClientResponse answer, writer_.request("GET", target, headers, {}));
  if (!answer.ok()) return std::unexpected(error_of(answer.status, answer.body));
  const auto manifest = number_in(answer.headers, kManifestVersionHeader);
  if (!manifest) return fail(ErrorCode::unavailable, "the writer's answer says no manifest version: it is not of this version of nDB");
  writer::WalChunk chunk{.bytes = {}, .next = std::nullopt, .manifest = ManifestVersion{*manifest}};
  const auto bytes = base::as_bytes(answer.body);
  chunk.bytes.assign(bytes.begin(), bytes.end());
  if (const auto next = find_header(answer.headers, kNextFileHeader)) chunk.next = format::parse_wal_name(*next);
  return chunk;
}

}  // namespace ndb::http
