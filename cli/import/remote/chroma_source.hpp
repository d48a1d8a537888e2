// The records of a Chroma collection, by version 2 of its interface. A payload is the record's metadata, with its document and its URI as
// fields. Pages go by offset, so the collection should stand still meanwhile. Threads: one.
#pragma once

#include "cli/import/document_source.hpp"
#include "cli/import/remote/json_server.hpp"

namespace ndb::cli {

struct ChromaPlace {
  std::string tenant = "default_tenant", database = "default_database", collection;
  std::string document_field = "document";  ///< of the payload
};

class ChromaSource final : public DocumentSource {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ChromaSource>> open(JsonServer server, const ChromaPlace& place);

  [[nodiscard]] std::uint32_t dim() const noexcept override { return dim_; }
  /// As nDB names it; "" if Chroma does not say.
  [[nodiscard]] const std::string& distance() const noexcept { return distance_; }
  [[nodiscard]] Result<bool> next(Chunk& into, std::size_t max_rows) override;
  [[nodiscard]] Status go_to(const std::string& position) override;
  [[nodiscard]] Done done() const override { return {.rows = rows_, .rows_total = total_, .bytes = 0, .bytes_total = 0}; }
  [[nodiscard]] std::string origin() const override;
  [[nodiscard]] std::string identity() const override { return origin() + " " + id_; }
  [[nodiscard]] std::string name() const override { return place_.collection; }

 private:
  ChromaSource(JsonServer server, ChromaPlace place) : server_(std::move(server)), place_(std::move(place)) {}
  [[nodiscard]] Status look();
  [[nodiscard]] Status parse_page(const std::string& text, Chunk& into);

  JsonServer server_;
  const ChromaPlace place_;
  std::string base_;  // path of the database's collections
  std::string id_, distance_;
  std::uint32_t dim_ = 0;
  std::uint64_t rows_ = 0;
  std::optional<std::uint64_t> total_;
};

}  // namespace ndb::cli
