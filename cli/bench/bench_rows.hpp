// The rows that ndb bench measures with: documents out of files or out of a collection, and queries. Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/export/document_stream.hpp"
#include "cli/import/row_source.hpp"
#include "ndb/collection_config.hpp"

namespace ndb::cli {

/// Documents, and what is known about them.
struct BenchRows {
  std::string name;                        ///< "vectors.npy", "docs"
  std::unique_ptr<DocumentStream> stream;
  CollectionConfig config;                 ///< of the collection that they come from; of files only the dimension
};

[[nodiscard]] Result<BenchRows> rows_of_files(const RowFiles& files);
[[nodiscard]] Result<BenchRows> rows_of_collection(const Session& session, const std::string& name);
/// At most `max_rows` vectors of a file; all must have `dim` elements.
[[nodiscard]] Result<std::vector<std::vector<float>>> read_queries(const std::string& file, std::uint32_t dim, std::size_t max_rows);

}  // namespace ndb::cli
