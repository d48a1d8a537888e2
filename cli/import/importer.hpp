// Takes documents from a source into a collection: in batches, resumable, with rejects kept, and progress shown. All import commands
// end here.
//
// Threads: run_import() reads in one thread while another hands the batch before to the target. Invariant: a batch is recorded as
// imported after it was acknowledged and its rejects were written, so what a kill makes us do again is one batch, which replaces itself.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "cli/command.hpp"
#include "cli/import/document_source.hpp"

namespace ndb::cli {

struct ImportOptions {
  std::string name;                                        ///< of the collection
  std::string distance = "cosine", durability = "buffered";  ///< for create
  std::string rejects, state;                              ///< files; "" for the default places
  std::uint32_t batch_rows = 0;                            ///< 0: as many as make 512 KiB
  bool create = false, flush = false, index = false, quiet = false, strict = false, restart = false;
  bool resumable = true;                                   ///< false after --skip
};

/// The options that every import command has.
void declare_import_options(CLI::App& command, ImportOptions& options);
/// What a collection would say to the document, without one.
[[nodiscard]] Status check_document(const DocumentView& document, const CollectionConfig& config);
/// Everything from an opened source to the summary.
[[nodiscard]] Status run_import(const Session& session, const ImportOptions& options, DocumentSource& source);

}  // namespace ndb::cli
