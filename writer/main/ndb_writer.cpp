// ndb-writer: see bindings/http/daemon.hpp.
#include "bindings/http/daemon.hpp"

int main(int argc, char** argv) {
  return ndb::http::run_daemon(ndb::config::Role::writer, argc, argv);
}
