// What readers report of themselves.
#include "ipc/http/codec/json_reader.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "ipc/http/codec/request_codec.hpp"

namespace ndb::http {

Result<ReplicaReport> parse_replica_report(std::string_view body) {
  static constexpr std::array<std::string_view, 4> kNames{"host", "pid", "pinned_version", "seq"};
  constexpr std::size_t kMaxHostBytes = 255;
  constexpr std::uint64_t kMax = ~std::uint64_t{0};
  ReplicaReport report;
  NDB_TRY(json::read_body(body, body.size(), [&](json::ondemand::object& members) -> Status {
    const auto read = [&](std::size_t index, json::ondemand::value& item) -> Status {
      if (index == 0) {
        NDB_TRY_ASSIGN(report.host, json::read_string(item));
        if (!report.host.empty() && report.host.size() <= kMaxHostBytes) return {};
        return fail(ErrorCode::invalid_argument, "must have 1 to 255 bytes");
      }
      NDB_TRY_ASSIGN(const std::uint64_t number, json::read_integer(item, 0, kMax));
      (index == 1 ? report.pid : index == 2 ? report.pinned_version.value : report.seq.value) = number;
      return {};
    };
    NDB_TRY_ASSIGN(const auto seen, json::read_members(members, kNames, read));
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (!seen[i]) return json::missing(kNames[i]);
    }
    return {};
  }));
  return report;
}

std::string encode_replica_report(const ReplicaReport& report) {
  JsonWriter json;
  json.begin_object().field("host", report.host).field("pid", report.pid);
  json.field("pinned_version", report.pinned_version.value).field("seq", report.seq.value).end_object();
  return std::move(json).text();
}

}  // namespace ndb::http
