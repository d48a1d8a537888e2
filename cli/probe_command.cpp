#include "cli/probe_command.hpp"

#include <fmt/format.h>

#include "cli/options.hpp"
#include "cli/text.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "ipc/volume/probe.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

struct ProbeOptions {
  std::string folder;
};

const char* name_of(ipc::Verdict verdict) {
  switch (verdict) {
    case ipc::Verdict::ok: return "ok";
    case ipc::Verdict::warning: return "warning";
    case ipc::Verdict::unchecked: return "unchecked";
    case ipc::Verdict::refused: return "refused";
  }
  return "";
}

std::string as_json(const ipc::ProbeReport& report) {
  http::JsonWriter json;
  json.begin_object().field("folder", report.folder.string()).field("verdict", name_of(report.verdict()));
  json.key("volume").begin_object().field("type", report.mount.type).field("mount_point", report.mount.point);
  json.field("source", report.mount.source).field("options", report.mount.options).end_object();
  json.key("findings").begin_array();
  for (const auto& finding : report.findings)
    json.begin_object().field("check", finding.check).field("verdict", name_of(finding.verdict)).field("detail", finding.detail).end_object();
  json.end_array().end_object();
  return std::move(json).text();
}

Status probe(const Session& session, const ProbeOptions& options) {
  if (!session.address.url.empty()) return usage("probe tries a folder of this machine, not a server");
  const std::string folder = options.folder.empty() ? session.address.data_dir : options.folder;
  const auto report = ipc::probe_volume(fs::posix_file_system(), std::filesystem::absolute(folder));
  if (session.json) {
    session.print_json(as_json(report));
  } else {
    session.streams.out << fmt::format("{} is {}\n\n", folder, printable(report.volume()));
    Table table({"CHECK", "VERDICT", "DETAIL"});
    for (const auto& finding : report.findings) table.add({finding.check, name_of(finding.verdict), printable(finding.detail)});
    session.streams.out << table.text();
    if (report.verdict() == ipc::Verdict::refused) session.streams.err << "ndb: " << printable(report.refusal()) << '\n';
  }
  return report.verdict() <= ipc::Verdict::warning ? Status{} : Status(reported());
}

}  // namespace

void add_probe_command(CLI::App& app, Session& session, Action& action) {
  add_command<ProbeOptions>(
      app, action, "probe", "Try whether a volume does what nDB needs: locks, exclusive creation, renames, syncs",
      [](CLI::App& command, ProbeOptions& options) {
        command.add_option("folder", options.folder, "A folder on the volume [that of --data-dir]")->type_name("DIR");
        command.footer("A writer does the same when it starts. Everything happens in a hidden folder that is removed again.\n"
                       "Exit code 1: nDB cannot work there, or it could not be tried.\n"
                       "Example: ndb probe /mnt/shared");
      },
      [&](ProbeOptions& options) { return probe(session, options); });
}

}  // namespace ndb::cli
