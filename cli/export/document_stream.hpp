// All documents of a collection, or those that match, ordered by id. Out of a folder: as of one moment, however long it takes. From a server:
// page by page, each as of its own moment unless an old version is asked for.
//
// Threads: one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "ndb/document.hpp"

namespace ndb::cli {

class DocumentStream {
 public:
  virtual ~DocumentStream() = default;

  /// filter: JSON, "" for all. as_of: out of which state.
  [[nodiscard]] static Result<std::unique_ptr<DocumentStream>> open(const Session& session, const std::string& name, const std::string& filter,
                                                                    const AsOfOptions& as_of);

  [[nodiscard]] virtual std::uint32_t dim() const noexcept = 0;
  /// How many there are, or were when it was asked.
  [[nodiscard]] virtual std::uint64_t total() const noexcept = 0;
  /// Replaces `into` by the next ones, a few MiB; false at the end.
  [[nodiscard]] virtual Result<bool> next(std::vector<Document>& into) = 0;
};

}  // namespace ndb::cli
