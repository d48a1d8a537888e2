#include "ipc/http/codec/flatbuffers_codec.hpp"

#include <flatbuffers/flatbuffers.h>

#include "ipc/http/codec/document_batch.hpp"
#include "ndb_schema/http_messages_generated.h"
#include "shared/base/result.hpp"

namespace ndb::http {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

std::unexpected<Error> refuse(std::string message, std::string field) {
  return fail(ErrorCode::invalid_argument, std::move(message), std::move(field));
}

// The table at the root of a body, every offset in it checked.
template <class Table>
Result<const Table*> verified(std::string_view body) {
  constexpr std::size_t kMaxDepth = 8;
  constexpr std::size_t kMaxTables = 2 * Limits::kMaxBatchDocuments;
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(body.data());
  flatbuffers::Verifier verifier(bytes, body.size(), kMaxDepth, kMaxTables);
  if (body.size() < sizeof(std::uint32_t) * 2 || !verifier.VerifyBuffer<Table>(nullptr)) {
    return refuse("the body is not the FlatBuffer that this route takes", "body");
  }
  return flatbuffers::GetRoot<Table>(bytes);
}

std::string_view view(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->c_str(), text->size());
}

std::span<const float> view(const flatbuffers::Vector<float>* floats) {
  return floats == nullptr ? std::span<const float>() : std::span(floats->data(), floats->size());
}

Status check_range(std::uint64_t value, std::uint64_t minimum, std::uint64_t maximum, const char* field) {
  if (value >= minimum && value <= maximum) return {};
  return refuse("must be a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum), field);
}

std::string finished(FlatBufferBuilder& builder) {
  return std::string(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
}

Offset<flatbuffers::Vector<float>> write_vector(FlatBufferBuilder& builder, std::span<const float> vector) {
  return builder.CreateVector(vector.data(), vector.size());
}

Offset<flatbuffers::String> write_payload(FlatBufferBuilder& builder, const std::string& payload) {
  return payload.empty() ? Offset<flatbuffers::String>() : builder.CreateString(payload);
}

Offset<fbs::Document> write_document(FlatBufferBuilder& builder, const Document& document) {
  const auto id = builder.CreateString(document.id);
  const auto vector = write_vector(builder, document.vector);
  return fbs::CreateDocument(builder, id, vector, write_payload(builder, document.payload));
}

Offset<fbs::Match> write_match(FlatBufferBuilder& builder, const Match& match, bool with_vector) {
  const auto id = builder.CreateString(match.id);
  const auto payload = write_payload(builder, match.payload);
  const auto vector = with_vector ? write_vector(builder, match.vector) : Offset<flatbuffers::Vector<float>>();
  return fbs::CreateMatch(builder, id, match.score, payload, vector);
}

}  // namespace

Result<DocumentBatch> parse_documents_flatbuffers(std::string body) {
  auto storage = std::make_unique<DocumentBatch::Storage>();
  storage->body = std::move(body);
  NDB_TRY_ASSIGN(const fbs::InsertRequest* const request, verified<fbs::InsertRequest>(storage->body));
  const auto& documents = *request->documents();
  if (documents.size() > Limits::kMaxBatchDocuments) {
    return refuse("has more than " + std::to_string(Limits::kMaxBatchDocuments) + " elements", "documents");
  }
  storage->views.reserve(documents.size());
  for (const fbs::Document* const document : documents) {
    storage->views.push_back({view(document->id()), view(document->vector()), view(document->payload())});
  }
  return DocumentBatch(std::move(storage));
}

Result<std::vector<std::string>> parse_ids_flatbuffers(std::string_view body) {
  NDB_TRY_ASSIGN(const fbs::IdsRequest* const request, verified<fbs::IdsRequest>(body));
  NDB_TRY(check_range(request->ids()->size(), 0, Limits::kMaxBatchDocuments, "ids"));
  std::vector<std::string> ids;
  ids.reserve(request->ids()->size());
  for (const flatbuffers::String* const id : *request->ids()) ids.emplace_back(view(id));
  return ids;
}

Result<Search> parse_search_flatbuffers(std::string_view body) {
  NDB_TRY_ASSIGN(const fbs::SearchRequest* const request, verified<fbs::SearchRequest>(body));
  NDB_TRY(check_range(request->vector()->size(), 0, Limits::kMaxDim, "vector"));
  NDB_TRY(check_range(request->top_k(), 1, Limits::kMaxTopK, "top_k"));
  NDB_TRY(check_range(request->ef(), 0, Limits::kMaxEf, "ef"));
  NDB_TRY(check_range(request->timeout_ms(), 0, kMaxTimeoutMs, "timeout_ms"));
  Search search(view(request->vector()));
  search.top_k(request->top_k()).approximate(request->approximate());
  search.with_payload(request->with_payload()).with_vector(request->with_vector()).min_seq(Seq{request->min_seq()});
  if (request->ef() > 0) search.ef(request->ef());
  if (request->recall() != 0.0F) search.recall(static_cast<double>(request->recall()));
  if (request->timeout_ms() > 0) search.timeout(std::chrono::milliseconds(request->timeout_ms()));
  if (request->filter() != nullptr) {
    NDB_TRY_ASSIGN(Filter filter, Filter::from_json(view(request->filter()), "filter"));
    search.filter(std::move(filter));
  }
  return search;
}

std::string encode_document_flatbuffers(const Document& document) {
  FlatBufferBuilder builder;
  builder.Finish(write_document(builder, document));
  return finished(builder);
}

std::string encode_documents_flatbuffers(std::span<const Document> documents, std::span<const std::string> missing) {
  FlatBufferBuilder builder;
  std::vector<Offset<fbs::Document>> found;
  for (const Document& document : documents) found.push_back(write_document(builder, document));
  std::vector<Offset<flatbuffers::String>> ids;
  for (const std::string& id : missing) ids.push_back(builder.CreateString(id));
  const auto found_vector = builder.CreateVector(found);
  const auto missing_vector = builder.CreateVector(ids);
  builder.Finish(fbs::CreateDocumentsAnswer(builder, found_vector, missing_vector));
  return finished(builder);
}

std::string encode_insert_flatbuffers(const WriteResult& result) {
  FlatBufferBuilder builder;
  const std::string_view name = durability_name(result.durability);
  const auto durability = builder.CreateString(name.data(), name.size());
  builder.Finish(fbs::CreateInsertAnswer(builder, result.seq.value, result.inserted, result.replaced, durability));
  return finished(builder);
}

std::string encode_search_flatbuffers(const SearchResult& result, const Search& search) {
  FlatBufferBuilder builder;
  std::vector<Offset<fbs::Match>> matches;
  for (const Match& match : result.matches) matches.push_back(write_match(builder, match, search.with_vector()));
  const auto vector = builder.CreateVector(matches);
  builder.Finish(
      fbs::CreateSearchAnswer(builder, vector, result.seq.value, result.manifest_version.value, result.took_us));
  return finished(builder);
}

}  // namespace ndb::http
