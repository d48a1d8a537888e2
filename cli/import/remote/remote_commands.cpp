// ndb import-qdrant and ndb import-chroma: collections of running servers.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.hpp"
#include "cli/import/importer.hpp"
#include "cli/import/remote/chroma_source.hpp"
#include "cli/import/remote/qdrant_source.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

struct Remote : ImportOptions {
  std::string server, vector_name;
  ChromaPlace chroma;
  bool distance_given = false;
};

/// The target is made as the source is, unless the call says otherwise; its name is made of the source's.
Status adopt(Remote& options, const std::string& source_name, const std::string& distance) {
  if (options.name.empty()) {
    options.name = source_name;
    if (!validate_collection_name(options.name)) return usage(fmt::format("'{}' is no name of a collection here; give one with --as", source_name));
  }
  if (const auto status = validate_collection_name(options.name); !status) return usage(status.error().message);
  options.create = true;
  if (options.distance_given) return {};
  if (distance.empty()) return usage("the server compares in a way that is not known here; say how with --distance");
  options.distance = distance;
  return {};
}

std::string key_of(const Session& session, const char* variable) { return session.environment(variable).value_or(""); }

Status import_qdrant(const Session& session, Remote& options) {
  NDB_TRY_ASSIGN(auto server, JsonServer::connect(options.server, "api-key", key_of(session, "QDRANT_API_KEY")));
  NDB_TRY_ASSIGN(const auto source, QdrantSource::open(std::move(server), options.chroma.collection, options.vector_name));
  NDB_TRY(adopt(options, options.chroma.collection, source->distance()));
  return run_import(session, options, *source);
}

Status import_chroma(const Session& session, Remote& options) {
  NDB_TRY_ASSIGN(auto server, JsonServer::connect(options.server, "x-chroma-token", key_of(session, "CHROMA_API_KEY")));
  NDB_TRY_ASSIGN(const auto source, ChromaSource::open(std::move(server), options.chroma));
  NDB_TRY(adopt(options, options.chroma.collection, source->distance()));
  return run_import(session, options, *source);
}

void declare(CLI::App& command, Remote& options, const char* product, const char* key) {
  command.add_option("server", options.server, fmt::format("Address of the {} server; its key comes from {}", product, key))->required()->type_name("URL");
  command.add_option("--collection", options.chroma.collection, "Which collection of it")->required()->type_name("NAME");
  command.add_option("--as", options.name, "Name of the collection here [the same]")->type_name("NAME");
  declare_import_options(command, options);
  command.get_option("--distance")->each([&options](const std::string&) { options.distance_given = true; })
      ->description("Other than the server's: cosine, dot or euclidean");
  command.remove_option(command.get_option("--create"));
}

}  // namespace

void add_remote_import_commands(CLI::App& app, Session& session, Action& action) {
  const auto add = [&](const char* name, const char* about, auto more, auto act) {
    auto options = std::make_shared<Remote>();
    CLI::App* command = app.add_subcommand(name, about);
    more(*command, *options);
    command->callback([options, act, &session, &action] { action = [options, act, &session] { return act(session, *options); }; });
  };
  add("import-qdrant", "Read all points of a Qdrant collection, with vectors and payloads",
      [](CLI::App& command, Remote& options) {
        declare(command, options, "Qdrant", "QDRANT_API_KEY");
        command.add_option("--vector-name", options.vector_name, "Which of named vectors [the only one]")->type_name("NAME");
        command.footer("Ids become text. An interrupted import goes on when the same command is given again.\n"
                       "Example: ndb import-qdrant http://localhost:6333 --collection docs");
      },
      import_qdrant);
  add("import-chroma", "Read all records of a Chroma collection, with embeddings, metadata and documents",
      [](CLI::App& command, Remote& options) {
        declare(command, options, "Chroma", "CHROMA_API_KEY");
        command.add_option("--tenant", options.chroma.tenant, "[default_tenant]")->type_name("NAME");
        command.add_option("--database", options.chroma.database, "[default_database]")->type_name("NAME");
        command.add_option("--document-field", options.chroma.document_field, "Field of the payload for a record's document [document]")->type_name("NAME");
        command.footer("Nobody should write to the Chroma collection meanwhile: its pages go by position.\n"
                       "Example: ndb import-chroma http://localhost:8000 --collection docs");
      },
      import_chroma);
}

}  // namespace ndb::cli
