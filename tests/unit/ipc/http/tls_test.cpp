#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>

#include "ipc/http/client.hpp"
#include "ipc/http/server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace ndb::http {
namespace {

struct Identity {
  std::string certificate;
  std::string key;
};

// A fresh key and a certificate for 127.0.0.1 that it signed itself, as PEM files.
Identity make_identity(const std::filesystem::path& folder) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("ndb test"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* const address = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, address, -1);
  X509_sign(certificate, key, EVP_sha256());
  Identity identity{(folder / "cert.pem").string(), (folder / "key.pem").string()};
  std::FILE* file = std::fopen(identity.certificate.c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(identity.key.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_EXTENSION_free(address);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return identity;
}

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

}  // namespace
}  // namespace ndb::http
