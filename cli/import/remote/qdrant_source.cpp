#include "cli/import/remote/qdrant_source.hpp"

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
constexpr std::size_t kMaxAnswerDepth = 80;
constexpr std::size_t kPointsAtATime = 500;

std::string distance_of_qdrant(std::string_view name) {
  if (name == "Cosine") return "cosine";
  if (name == "Dot") return "dot";
  if (name == "Euclid") return "euclidean";
  return "";  // Manhattan
}

/// A number or a UUID.
std::string id_of(const dom::element& id) {
  std::string_view text;
  std::uint64_t number = 0;
  if (id.get_string().get(text) == simdjson::SUCCESS) return std::string(text);
  return id.get_uint64().get(number) == simdjson::SUCCESS ? std::to_string(number) : "";
}

std::unexpected<Error> not_qdrant() { return fail(ErrorCode::internal, "the answer is not what Qdrant answers"); }

}  // namespace

Result<std::unique_ptr<QdrantSource>> QdrantSource::open(JsonServer server, const std::string& collection, const std::string& vector_name) {
  std::unique_ptr<QdrantSource> source(new QdrantSource(std::move(server), collection, vector_name));
  NDB_TRY(source->look());
  return source;
}

Status QdrantSource::look() {
  NDB_TRY_ASSIGN(const auto text, server_.get("/collections/" + escaped(collection_)));
  NDB_TRY_ASSIGN(const auto answer, payload::JsonDocument::parse(text, kMaxAnswerDepth, "the answer"));
  const auto result = answer.root()["result"];
  std::uint64_t count = 0;
  if (result["points_count"].get_uint64().get(count) == simdjson::SUCCESS) total_ = count;
  dom::object vectors;
  if (result["config"]["params"]["vectors"].get_object().get(vectors) != simdjson::SUCCESS)
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' has no dense vectors", collection_));
  std::uint64_t size = 0;
  std::string_view distance;
  if (vectors["size"].get_uint64().get(size) != simdjson::SUCCESS) {
    std::string names;
    for (const auto one : vectors) names += (names.empty() ? "" : ", ") + std::string(one.key);
    if (vector_name_.empty() && std::ranges::count(names, ',') == 0) vector_name_ = names;
    if (vectors[vector_name_]["size"].get_uint64().get(size) != simdjson::SUCCESS)
      return fail(ErrorCode::invalid_argument, fmt::format("'{}' has named vectors: {}; say which with --vector-name", collection_, names));
    if (vectors[vector_name_]["distance"].get_string().get(distance) != simdjson::SUCCESS) distance = "";
  } else {
    if (!vector_name_.empty()) return fail(ErrorCode::invalid_argument, fmt::format("'{}' has one vector, without a name", collection_));
    if (vectors["distance"].get_string().get(distance) != simdjson::SUCCESS) distance = "";
  }
  dim_ = static_cast<std::uint32_t>(size);
  distance_ = distance_of_qdrant(distance);
  return {};
}

std::string QdrantSource::origin() const { return fmt::format("qdrant {} {} '{}'", server_.url(), collection_, vector_name_); }

Result<bool> QdrantSource::next(Chunk& into, std::size_t max_rows) {
  into.clear();
  into.dim = dim_;
  while (!ended_) {
    http::JsonWriter body;
    body.begin_object().field("limit", static_cast<std::uint64_t>(std::min(max_rows, kPointsAtATime))).field("with_payload", true);
    if (vector_name_.empty()) body.field("with_vector", true);
    else body.key("with_vector").begin_array().string(vector_name_).end_array();
    if (!offset_.empty()) body.key("offset").raw(offset_);
    body.end_object();
    NDB_TRY_ASSIGN(const auto text, server_.post("/collections/" + escaped(collection_) + "/points/scroll", body.text()));
    NDB_TRY_ASSIGN(const bool some, parse_page(text, into));
    if (some) return true;
  }
  return false;
}

Result<bool> QdrantSource::parse_page(const std::string& text, Chunk& into) {
  NDB_TRY_ASSIGN(const auto answer, payload::JsonDocument::parse(text, kMaxAnswerDepth, "the answer"));
  const auto result = answer.root()["result"];
  dom::array points;
  if (result["points"].get_array().get(points) != simdjson::SUCCESS) return not_qdrant();
  std::vector<float> vector;
  for (const auto point : points) {
    dom::element id, value;
    if (point["id"].get(id) != simdjson::SUCCESS) return not_qdrant();
    const std::string text_id = id_of(id);
    dom::object payload;
    const bool has_payload = point["payload"].get_object().get(payload) == simdjson::SUCCESS;
    const auto found = vector_name_.empty() ? point["vector"].get(value) : point["vector"][vector_name_].get(value);
    vector.clear();
    if (found != simdjson::SUCCESS || !read_floats(value, vector) || vector.size() != dim_)
      into.rejects.push_back({.file = origin(), .row = rows_, .line = 0, .id = text_id, .why = "it has no vector of that name", .text = simdjson::minify(point)});
    else into.add(rows_, text_id, vector, has_payload ? simdjson::minify(payload) : std::string());
    ++rows_;
  }
  dom::element next;
  ended_ = result["next_page_offset"].get(next) != simdjson::SUCCESS || next.is_null();
  offset_ = ended_ ? std::string() : std::string(simdjson::minify(next));
  into.position = ended_ ? fmt::format("{} end", rows_) : fmt::format("{} {}", rows_, offset_);
  into.rows_end = rows_;
  return !into.empty();
}

Status QdrantSource::go_to(const std::string& position) {
  const auto space = position.find(' ');
  const auto parsed = std::from_chars(position.data(), position.data() + position.size(), rows_);
  if (parsed.ec != std::errc() || space == std::string::npos) return fail(ErrorCode::internal, "cannot go on at '" + position + "'");
  offset_ = position.substr(space + 1);
  ended_ = offset_ == "end";
  return {};
}

}  // namespace ndb::cli
