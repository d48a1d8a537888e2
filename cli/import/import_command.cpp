// ndb import: documents out of files.
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/import/importer.hpp"
#include "cli/import/row_source.hpp"
#include "cli/options.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

struct Import : ImportOptions {
  std::vector<std::string> words;  // [COLLECTION] FILE...
  RowFiles files;
  std::string ids, payloads, documents;
  std::uint64_t skip = 0;
};

Status find_names(Import& options) {
  if (options.name.empty() && options.words.size() >= 2) {
    options.name = options.words.front();
    options.words.erase(options.words.begin());
  }
  if (options.words.empty() || options.name.empty()) return usage("say where to and what: ndb import COLLECTION FILE...");
  if (const auto status = validate_collection_name(options.name); !status) return usage(status.error().message);
  return {};
}

Status import(const Session& session, Import& options) {
  NDB_TRY(find_names(options));
  if (!options.documents.empty() && (!options.ids.empty() || !options.payloads.empty()))
    return usage("--documents has ids and payloads; give it, or --ids and --payloads");
  RowFiles& files = options.files;
  for (const auto& word : options.words) NDB_TRY(expand_pattern(word, files.vectors));
  if (files.vectors.size() > 1 && std::ranges::find(files.vectors, "-") != files.vectors.end())
    return usage("standard input (-) must be the only file");
  files.ids = options.ids;
  files.payloads = options.payloads;
  files.documents = options.documents;
  files.bad = options.strict ? io::OnBadRow::fail : io::OnBadRow::keep_going;
  NDB_TRY_ASSIGN(const auto source, RowSource::open(files));
  if (options.skip > 0) NDB_TRY(source->skip(options.skip));
  options.resumable = options.skip == 0;
  return run_import(session, options, *source);
}

void declare_import(CLI::App& command, Import& options) {
  command.add_option("words", options.words, "The collection and the files: .npy .npz .fvecs .bvecs .ivecs .jsonl .csv, patterns such as 'part-*.npy', or - for standard input")
      ->required()->type_name("COLLECTION FILE...");
  command.add_option("-c,--collection", options.name, "The collection, instead of as the first word")->type_name("NAME");
  command.add_option("--format", options.files.format, "What the files are, whatever their names say; of standard input [jsonl]")
      ->check(CLI::IsMember({"npy", "npz", "fvecs", "bvecs", "ivecs", "jsonl", "csv"}))->type_name("NAME");
  command.add_option("--ids", options.ids, "File with an id a line, for vectors that have none (else: the row's number, from 0)")->type_name("FILE");
  command.add_option("--payloads", options.payloads, "File with a JSON object a line, for vectors that have none")->type_name("FILE");
  command.add_option("--documents", options.documents, "Instead of both: file with {\"id\": …, \"payload\": …} a line, as export writes it")->type_name("FILE");
  command.add_option("--id-prefix", options.files.id_prefix, "Put this before every id")->type_name("TEXT");
  command.add_flag("--normalize", options.files.normalize, "Scale every vector to length 1");
  command.add_option("--skip", options.skip, "Leave out the first rows; such an import is not resumable")->type_name("ROWS");
  declare_import_options(command, options);
  command.footer("Documents replace those with the same id, so running an import again is safe. One that was interrupted, even by kill -9, goes\n"
                 "on where it was when the same command is given again.\n"
                 "Examples:\n  ndb import docs vectors.npy --ids ids.txt --payloads payloads.jsonl --create\n"
                 "  ndb import docs 'part-*.npy' --id-prefix wiki- --normalize\n"
                 "  zcat documents.jsonl.gz | ndb import docs -      lines of {\"id\": \"a\", \"vector\": [0.1, 0.2], \"payload\": {}}");
}

}  // namespace

void add_import_command(CLI::App& app, Session& session, Action& action) {
  add_command<Import>(app, action, "import", "Read documents from files", declare_import,
                      [&](Import& options) { return import(session, options); });
}

}  // namespace ndb::cli
