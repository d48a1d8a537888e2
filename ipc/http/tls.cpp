// The server's certificate: loaded at the start, and again when it was renewed.
#include <boost/asio/ssl/context.hpp>

#include "ipc/http/connection.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {

namespace net = boost::asio;
using boost::system::error_code;
using TlsContext = net::ssl::context;

namespace {

std::unexpected<Error> refuse(std::string_view what, const std::string& file, const error_code& error) {
  return fail(ErrorCode::invalid_argument,
              std::string(what).append(" ").append(file).append(": ").append(error.message()), "tls");
}

// Clients must show a certificate that an authority of the file has signed.
Status ask_for_client_certificates(TlsContext& tls, const std::string& file) {
  error_code error;
  tls.load_verify_file(file, error);
  if (!error) tls.set_verify_mode(TlsContext::verify_peer | TlsContext::verify_fail_if_no_peer_cert, error);
  if (error) return refuse("client authorities", file, error);
  SSL_CTX_set_client_CA_list(tls.native_handle(), SSL_load_client_CA_file(file.c_str()));
  return {};
}

Result<std::shared_ptr<TlsContext>> load(const ServerOptions& options) {
  auto tls = std::make_shared<TlsContext>(TlsContext::tls_server);
  error_code error;
  tls->set_options(TlsContext::default_workarounds, error);
  SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
  // Sessions are not resumed, so that a client whose certificate was withdrawn does not come back without showing one.
  if (!options.tls_client_ca_file.empty()) {
    SSL_CTX_set_session_cache_mode(tls->native_handle(), SSL_SESS_CACHE_OFF);
    tls->set_options(SSL_OP_NO_TICKET, error);
  }
  tls->use_certificate_chain_file(options.tls_certificate_file, error);
  if (error) return refuse("certificate", options.tls_certificate_file, error);
  tls->use_private_key_file(options.tls_key_file, TlsContext::pem, error);
  if (error) return refuse("key", options.tls_key_file, error);
  if (SSL_CTX_check_private_key(tls->native_handle()) != 1) {
    return fail(ErrorCode::invalid_argument,
                "the key does not belong to the certificate " + options.tls_certificate_file, "tls");
  }
  if (!options.tls_client_ca_file.empty()) NDB_TRY(ask_for_client_certificates(*tls, options.tls_client_ca_file));
  return tls;
}

}  // namespace

Status reload_tls(ConnectionContext& context) {
  const ServerOptions& options = context.options;
  if (options.tls_certificate_file.empty() != options.tls_key_file.empty()) {
    return fail(ErrorCode::invalid_argument, "TLS needs both a certificate and a key file", "tls");
  }
  if (!context.has_tls()) {
    if (options.tls_client_ca_file.empty()) return {};
    return fail(ErrorCode::invalid_argument, "client certificates need TLS: a certificate and a key file", "tls");
  }
  NDB_TRY_ASSIGN(auto fresh, load(options));
  const std::lock_guard lock(context.tls_mutex);
  context.tls = std::move(fresh);
  return {};
}

}  // namespace ndb::http
