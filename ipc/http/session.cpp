#include "ipc/http/session.hpp"

namespace ndb::http {

std::shared_ptr<Connection> make_plain_connection(std::shared_ptr<ConnectionContext> context, Socket socket) {
  auto* const shared = context.get();
  auto session = std::make_shared<Session<Socket>>(std::move(context), std::move(socket));
  shared->registry.add(session.get(), session);
  return session;
}

std::shared_ptr<Connection> make_tls_connection(std::shared_ptr<ConnectionContext> context, Socket socket) {
  auto* const shared = context.get();
  std::shared_ptr<net::ssl::context> tls;
  {
    const std::lock_guard lock(shared->tls_mutex);
    tls = shared->tls;
  }
  // A stream keeps what it needs of the context, which may be replaced.
  auto session = std::make_shared<Session<net::ssl::stream<Socket>>>(std::move(context), std::move(socket), *tls);
  shared->registry.add(session.get(), session);
  return session;
}

}  // namespace ndb::http
