#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "ipc/http/client.hpp"
#include "ipc/http/server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tls_identity.hpp"

namespace ndb::http {
namespace {

using test::Identity;
using test::make_identity;

void answer_with_body(Request&& request, Responder responder) {
  std::move(responder).send({.status = 200, .headers = {}, .body = request.method + request.body});
}

TEST_CASE("with a certificate the server speaks TLS, and a client that trusts it is served") {
  const test::TemporaryFolder folder;
  const Identity identity = make_identity(folder.path());
  ServerOptions options;
  options.tls_certificate_file = identity.certificate;
  options.tls_key_file = identity.key;
  auto server = Server::start(options, answer_with_body);
  REQUIRE(server);
  const std::string url = "https://127.0.0.1:" + std::to_string(server->port());

  ClientOptions trusting;
  trusting.ca_file = identity.certificate;
  auto client = Client::connect(url, trusting);
  REQUIRE(client);
  for (int i = 0; i < 3; ++i) {
    const auto answer = client->request("POST", "/", {}, std::string(100'000, 'x'));
    INFO((answer ? "" : answer.error().message));
    REQUIRE(answer);
    CHECK(answer->body.size() == 100'004);
  }
  CHECK(server->stats().accepted == 1);

  const auto strangers = Client::connect(url);  // trusts the system's authorities only
  REQUIRE_FALSE(strangers);
  CHECK(strangers.error().code == ErrorCode::unavailable);
  auto plain = Client::create("http://127.0.0.1:" + std::to_string(server->port()));
  REQUIRE(plain);
  CHECK_FALSE(plain->request("GET", "/"));
  CHECK(client->request("GET", "/"));  // nobody else's trouble
  server->stop(std::chrono::seconds(5));
  CHECK(server->stats().connections == 0);
}

TEST_CASE("a certificate that cannot be used is a clear error") {
  const test::TemporaryFolder folder;
  const Identity identity = make_identity(folder.path());
  ServerOptions options;
  options.tls_certificate_file = identity.certificate;
  CHECK(Server::start(options, answer_with_body).error().field == "tls");
  options.tls_key_file = (folder / "none.pem").string();
  CHECK(Server::start(options, answer_with_body).error().code == ErrorCode::invalid_argument);
  options.tls_key_file = identity.certificate;
  CHECK(Server::start(options, answer_with_body).error().code == ErrorCode::invalid_argument);
}

Server serve(const Identity& identity, const std::string& client_ca_file = "") {
  ServerOptions options;
  options.tls_certificate_file = identity.certificate;
  options.tls_key_file = identity.key;
  options.tls_client_ca_file = client_ca_file;
  auto server = Server::start(options, answer_with_body);
  if (!server) FAIL(server.error().message);
  return std::move(*server);
}

std::string https_url_of(const Server& server) {
  return "https://127.0.0.1:" + std::to_string(server.port());
}

ClientOptions trusting(const std::string& ca_file) {
  ClientOptions options;
  options.ca_file = ca_file;
  return options;
}

// Whether a handshake with nothing newer than that version succeeds.
bool speaks(const Server& server, int newest_version) {
  namespace net = boost::asio;
  net::io_context io;
  net::ssl::context tls(net::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(tls.native_handle(), newest_version);
  SSL_CTX_set_cipher_list(tls.native_handle(), "ALL:@SECLEVEL=0");
  net::ssl::stream<net::ip::tcp::socket> stream(io, tls);
  stream.next_layer().connect({net::ip::address_v4::loopback(), server.port()});
  boost::system::error_code error;
  stream.handshake(net::ssl::stream_base::client, error);
  return !error;
}

TEST_CASE("TLS before 1.2 is not spoken") {
  const test::TemporaryFolder folder;
  const Server server = serve(make_identity(folder.path()));
  CHECK_FALSE(speaks(server, TLS1_VERSION));
  CHECK_FALSE(speaks(server, TLS1_1_VERSION));
  CHECK(speaks(server, TLS1_2_VERSION));
  CHECK(speaks(server, TLS1_3_VERSION));
}

TEST_CASE("a renewed certificate is for new connections, and one that cannot be used changes nothing") {
  const test::TemporaryFolder folder;
  const test::TemporaryFolder old_folder;
  const Identity identity = make_identity(folder.path());
  const std::string old_certificate = (old_folder.path() / "old.pem").string();
  std::filesystem::copy_file(identity.certificate, old_certificate);
  Server server = serve(identity);
  auto before = Client::connect(https_url_of(server), trusting(old_certificate));
  REQUIRE(before);
  REQUIRE(before->request("GET", "/"));

  make_identity(folder.path());
  REQUIRE(server.reload_tls());
  CHECK(Client::connect(https_url_of(server), trusting(identity.certificate)));
  CHECK_FALSE(Client::connect(https_url_of(server), trusting(old_certificate)));
  CHECK(before->request("GET", "/"));  // on its connection nothing changed

  std::filesystem::resize_file(identity.key, 10);
  const Status broken = server.reload_tls();
  REQUIRE_FALSE(broken);
  CHECK(broken.error().field == "tls");
  CHECK(Client::connect(https_url_of(server), trusting(identity.certificate)));
  make_identity(old_folder.path());
  std::filesystem::copy_file(old_folder.path() / "key.pem", identity.key,
                             std::filesystem::copy_options::overwrite_existing);
  CHECK_FALSE(server.reload_tls());  // a key of another certificate
  CHECK(Client::connect(https_url_of(server), trusting(identity.certificate)));
}

TEST_CASE("with an authority for clients, only those that it signed for are served") {
  const test::TemporaryFolder folder;
  const test::TemporaryFolder known_folder;
  const test::TemporaryFolder stranger_folder;
  const Identity identity = make_identity(folder.path());
  const Identity known = make_identity(known_folder.path());
  const Identity stranger = make_identity(stranger_folder.path());
  const Server server = serve(identity, known.certificate);
  const auto answer_to = [&](const Identity* self) {
    ClientOptions options = trusting(identity.certificate);
    if (self != nullptr) options.certificate_file = self->certificate, options.key_file = self->key;
    auto client = Client::create(https_url_of(server), options);
    REQUIRE(client);
    return client->request("GET", "/").has_value();
  };
  CHECK(answer_to(&known));
  CHECK_FALSE(answer_to(&stranger));
  CHECK_FALSE(answer_to(nullptr));
  CHECK(server.stats().requests == 1);

  ServerOptions plain;
  plain.tls_client_ca_file = known.certificate;
  CHECK(Server::start(plain, answer_with_body).error().field == "tls");
}

}  // namespace
}  // namespace ndb::http
