#include <fmt/format.h>

#include "cli/answer.hpp"
#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/text.hpp"
#include "ipc/http/client.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

struct Health {
  bool live = false;  // /healthz instead of /readyz
};

struct Daemon {
  std::string url;
  http::ClientOptions options;
};

/// The daemon at --url, or the one that shares this process's environment, as in a container: at the port of NDB_LISTEN, through a
/// loopback address. What answers there is not another host, so its certificate need not bear the address's name.
Daemon find_daemon(const Session& session) {
  Daemon daemon;
  daemon.options.connect_timeout = daemon.options.request_timeout = session.address.timeout;
  daemon.url = session.address.url;
  if (!daemon.url.empty()) return daemon;
  const std::string listen = session.environment("NDB_LISTEN").value_or("127.0.0.1:7700");
  const auto colon = listen.rfind(':');
  const std::string host = listen.substr(0, colon);
  const bool any = host == "0.0.0.0" || host == "[::]" || colon == std::string::npos;
  const auto certificate = session.environment("NDB_TLS_CERT_FILE").value_or("");
  daemon.url = fmt::format("{}://{}{}", certificate.empty() ? "http" : "https", any ? "127.0.0.1" : host,
                           colon == std::string::npos ? "" : listen.substr(colon));
  daemon.options.verify_certificate = false;
  daemon.options.certificate_file = certificate;  // for a daemon that asks its clients for one
  daemon.options.key_file = session.environment("NDB_TLS_KEY_FILE").value_or("");
  return daemon;
}

std::string reasons_of(const std::string& body) {
  std::string text;
  const auto answer = parse_answer(body);
  if (!answer) return text;
  for (const auto& reason : array_at(*answer, "reasons"))
    if (reason.is_string()) text += fmt::format("{}{}", text.empty() ? ": " : "; ", printable(std::string_view(reason.get_string())));
  return text;
}

Status health(const Session& session, const Health& options) {
  const Daemon daemon = find_daemon(session);
  const std::string asked = daemon.url + (options.live ? "/healthz" : "/readyz");
  NDB_TRY_ASSIGN(auto client, http::Client::create(daemon.url, daemon.options));
  NDB_TRY_ASSIGN(const auto answer, client.request("GET", options.live ? "/healthz" : "/readyz"));
  if (session.json) session.print_json(answer.body);
  else if (answer.ok()) session.streams.out << asked << ": ok\n";
  else session.streams.err << fmt::format("{} answers {}{}\n", asked, answer.status, reasons_of(answer.body));
  return answer.ok() ? Status{} : Status(reported());
}

}  // namespace

void add_health_command(CLI::App& app, Session& session, Action& action) {
  add_command<Health>(
      app, action, "health", "Ask a daemon whether it is ready: exit code 0 or 1, for containers and scripts",
      [](CLI::App& command, Health& options) {
        command.add_flag("--live", options.live, "Only whether the process answers (/healthz); storage is not touched");
        command.footer("Without --url it asks the port that NDB_LISTEN names (127.0.0.1:7700) on this host, with TLS where\n"
                       "NDB_TLS_CERT_FILE is set. No key is needed.\n"
                       "Example: ndb health --timeout 4");
      },
      [&](Health& options) { return health(session, options); });
}

}  // namespace ndb::cli
