#include "cli/import/remote/chroma_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/import/remote/json_floats.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "shared/base/result.hpp"
#include "shared/io/numbers.hpp"
#include "shared/payload/json_document.hpp"

namespace ndb::cli {
namespace {

namespace dom = simdjson::dom;
constexpr std::size_t kMaxDepth = 80;
constexpr std::size_t kRecordsAtATime = 300;  // Chroma's own limit, where there is one

std::string distance_of(std::string_view space) {
  if (space == "cosine") return "cosine";
  if (space == "ip") return "dot";
  if (space == "l2") return "euclidean";
  return "";
}

std::unexpected<Error> not_chroma() { return fail(ErrorCode::internal, "the answer is not what Chroma answers"); }

/// A list that may be missing or null, or hold nulls.
std::vector<dom::element> list_of(const dom::element& answer, std::string_view key) {
  dom::array array;
  std::vector<dom::element> list;
  if (answer[key].get_array().get(array) != simdjson::SUCCESS) return list;
  for (const auto element : array) list.push_back(element);
  return list;
}

/// {"title":"x"} with one field more.
void add_field(std::string& payload, const std::string& field, const std::vector<dom::element>& values, std::size_t at) {
  if (at >= values.size() || !values[at].is_string()) return;
  http::JsonWriter member;
  member.begin_object().field(field, std::string_view(values[at].get_string().value_unsafe())).end_object();
  if (payload.empty() || payload == "{}") payload = member.text();
  else payload.replace(payload.size() - 1, 1, "," + member.text().substr(1));
}

}  // namespace

Result<std::unique_ptr<ChromaSource>> ChromaSource::open(JsonServer server, const ChromaPlace& place) {
  std::unique_ptr<ChromaSource> source(new ChromaSource(std::move(server), place));
  NDB_TRY(source->look());
  return source;
}

Status ChromaSource::look() {
  base_ = fmt::format("/api/v2/tenants/{}/databases/{}/collections/", escaped(place_.tenant), escaped(place_.database));
  NDB_TRY_ASSIGN(const auto text, server_.get(base_ + escaped(place_.collection)));
  NDB_TRY_ASSIGN(const auto answer, payload::JsonDocument::parse(text, kMaxDepth, "the answer"));
  std::string_view id, space;
  if (answer.root()["id"].get_string().get(id) != simdjson::SUCCESS) return not_chroma();
  id_ = id;
  std::uint64_t dim = 0;
  if (answer.root()["dimension"].get_uint64().get(dim) == simdjson::SUCCESS) dim_ = static_cast<std::uint32_t>(dim);
  const auto configuration = answer.root()["configuration_json"];
  if (configuration["hnsw"]["space"].get_string().get(space) == simdjson::SUCCESS || configuration["spann"]["space"].get_string().get(space) == simdjson::SUCCESS ||
      answer.root()["metadata"]["hnsw:space"].get_string().get(space) == simdjson::SUCCESS)
    distance_ = distance_of(space);
  NDB_TRY_ASSIGN(const auto count, server_.get(base_ + id_ + "/count"));
  std::uint64_t total = 0;
  if (std::from_chars(count.data(), count.data() + count.size(), total).ec == std::errc()) total_ = total;
  return {};
}

std::string ChromaSource::origin() const {
  return fmt::format("chroma {} {}/{}/{} '{}'", server_.url(), place_.tenant, place_.database, place_.collection, place_.document_field);
}

Result<bool> ChromaSource::next(Chunk& into, std::size_t max_rows) {
  into.clear();
  into.dim = dim_;
  http::JsonWriter body;
  body.begin_object().field("limit", static_cast<std::uint64_t>(std::min(max_rows, kRecordsAtATime))).field("offset", rows_);
  body.key("include").begin_array();
  for (const char* const part : {"embeddings", "metadatas", "documents", "uris"}) body.string(part);
  body.end_array().end_object();
  NDB_TRY_ASSIGN(const auto text, server_.post(base_ + id_ + "/get", body.text()));
  NDB_TRY(parse_page(text, into));
  into.position = std::to_string(rows_);
  into.rows_end = rows_;
  return !into.empty();
}

Status ChromaSource::parse_page(const std::string& text, Chunk& into) {
  NDB_TRY_ASSIGN(const auto answer, payload::JsonDocument::parse(text, kMaxDepth, "the answer"));
  const auto root = answer.root();
  dom::array ids;
  if (root["ids"].get_array().get(ids) != simdjson::SUCCESS) return not_chroma();
  const auto embeddings = list_of(root, "embeddings"), metadatas = list_of(root, "metadatas"), documents = list_of(root, "documents"), uris = list_of(root, "uris");
  std::vector<float> vector;
  std::size_t i = 0;
  for (const auto one : ids) {
    std::string_view id;
    if (one.get_string().get(id) != simdjson::SUCCESS) return not_chroma();
    std::string payload = i < metadatas.size() && metadatas[i].is_object() ? simdjson::minify(metadatas[i]) : std::string();
    add_field(payload, place_.document_field, documents, i);
    add_field(payload, "uri", uris, i);
    vector.clear();
    if (i >= embeddings.size() || !read_floats(embeddings[i], vector) || vector.size() != dim_)
      into.rejects.push_back({.file = origin(), .row = rows_, .line = 0, .id = std::string(id), .why = "it has no embedding of the collection's dimension", .text = payload});
    else into.add(rows_, std::string(id), vector, std::move(payload));
    ++rows_;
    ++i;
  }
  return {};
}

Status ChromaSource::go_to(const std::string& position) {
  if (std::from_chars(position.data(), position.data() + position.size(), rows_).ec == std::errc()) return {};
  return fail(ErrorCode::internal, "cannot go on at '" + position + "'");
}

}  // namespace ndb::cli
