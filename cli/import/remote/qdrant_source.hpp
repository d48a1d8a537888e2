// The points of a Qdrant collection, by its scroll interface (https://api.qdrant.tech/api-reference/points/scroll-points). Ids become text,
// payloads stay. Threads: one.
#pragma once

#include "cli/import/document_source.hpp"
#include "cli/import/remote/json_server.hpp"

namespace ndb::cli {

class QdrantSource final : public DocumentSource {
 public:
  /// vector_name: which of named vectors; "" if there is only one. invalid_argument names those there are.
  [[nodiscard]] static Result<std::unique_ptr<QdrantSource>> open(JsonServer server, const std::string& collection, const std::string& vector_name);

  [[nodiscard]] std::uint32_t dim() const noexcept override { return dim_; }
  /// As nDB names it; "" if nDB has none such.
  [[nodiscard]] const std::string& distance() const noexcept { return distance_; }
  [[nodiscard]] Result<bool> next(Chunk& into, std::size_t max_rows) override;
  [[nodiscard]] Status go_to(const std::string& position) override;
  [[nodiscard]] Done done() const override { return {.rows = rows_, .rows_total = total_, .bytes = 0, .bytes_total = 0}; }
  [[nodiscard]] std::string origin() const override;
  [[nodiscard]] std::string identity() const override { return origin(); }
  [[nodiscard]] std::string name() const override { return collection_; }

 private:
  QdrantSource(JsonServer server, std::string collection, std::string vector_name)
      : server_(std::move(server)), collection_(std::move(collection)), vector_name_(std::move(vector_name)) {}
  [[nodiscard]] Status look();
  [[nodiscard]] Result<bool> parse_page(const std::string& text, Chunk& into);

  JsonServer server_;
  const std::string collection_;
  std::string vector_name_;
  std::string distance_;
  std::uint32_t dim_ = 0;
  std::uint64_t rows_ = 0;
  std::optional<std::uint64_t> total_;
  std::string offset_;  // the point that comes next, as JSON; "" at the start
  bool ended_ = false;
};

}  // namespace ndb::cli
