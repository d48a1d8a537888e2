// Routes over documents and searches.
#include "bindings/http/routes.hpp"
#include "ipc/http/codec/answer_codec.hpp"
#include "ipc/http/codec/flatbuffers_codec.hpp"
#include "ipc/http/codec/request_codec.hpp"
#include "shared/base/result.hpp"

namespace ndb::http {
namespace {

Response ok_flatbuffers(std::string body) {
  return {.status = 200, .headers = {}, .body = std::move(body), .content_type = std::string(kFlatBuffersType)};
}

// For the duration of one expression.
const VersionInfo* get_if(const std::optional<VersionInfo>& as_of) { return as_of ? &*as_of : nullptr; }

// The id in a path is not part of the body, but the error should say which of the two was wrong.
template <class T>
Result<T> about_id(Result<T> result) {
  if (!result && result.error().code == ErrorCode::invalid_argument && result.error().field.empty())
    result.error().field = "id";
  return result;
}

}  // namespace

Result<Response> Routes::insert_documents(Call& call) {
  NDB_TRY_ASSIGN(const DocumentBatch batch, call.sent_flatbuffers
                                                ? parse_documents_flatbuffers(std::move(call.request.body))
                                                : parse_documents(std::move(call.request.body)));
  NDB_TRY_ASSIGN(Collection collection, backend_.collection(call.collection));
  NDB_TRY_ASSIGN(const WriteResult written, collection.insert_batch(batch.documents()));
  metrics_.count_inserts(written.inserted + written.replaced);
  return call.wants_flatbuffers ? ok_flatbuffers(encode_insert_flatbuffers(written)) : ok(encode_insert(written));
}

Result<Response> Routes::get_document(const Call& call) {
  NDB_TRY_ASSIGN(const AsOf as_of, call.as_of());
  NDB_TRY_ASSIGN(const Collection collection, collection_at(call, as_of));
  NDB_TRY_ASSIGN(const Document document, about_id(collection.get(call.id)));
  if (call.wants_flatbuffers) return ok_flatbuffers(encode_document_flatbuffers(document));
  return ok(encode_document(document, get_if(collection.as_of())));
}

Result<Response> Routes::remove_document(const Call& call) {
  NDB_TRY_ASSIGN(Collection collection, backend_.collection(call.collection));
  NDB_TRY_ASSIGN(const WriteResult written, about_id(collection.remove(call.id)));
  metrics_.count_deletes(written.deleted);
  return ok(encode_remove(written));
}

Result<Response> Routes::get_documents(const Call& call) {
  AsOf as_of;
  NDB_TRY_ASSIGN(const std::vector<std::string> ids,
                 call.sent_flatbuffers ? parse_ids_flatbuffers(call.request.body) : parse_ids(call.request.body, &as_of));
  NDB_TRY_ASSIGN(const Collection collection, collection_at(call, as_of));
  NDB_TRY_ASSIGN(const GetManyResult found, collection.get_many(ids));
  if (call.wants_flatbuffers) return ok_flatbuffers(encode_documents_flatbuffers(found.documents, found.missing));
  return ok(encode_documents(found.documents, found.missing, get_if(collection.as_of())));
}

Result<Response> Routes::delete_documents(const Call& call) {
  NDB_TRY_ASSIGN(const DeleteRequest request, parse_delete(call.request.body));
  NDB_TRY_ASSIGN(Collection collection, backend_.collection(call.collection));
  NDB_TRY_ASSIGN(const WriteResult written,
                 request.filter ? collection.remove_where(*request.filter) : collection.remove_many(request.ids));
  metrics_.count_deletes(written.deleted);
  return ok(encode_remove_many(written));
}

Result<Response> Routes::search(const Call& call, Search& search, const AsOf& as_of) {
  NDB_TRY_ASSIGN(const Collection collection, collection_at(call, as_of));
  // With its plan, in case that it turns out to be slow: that costs next to nothing.
  const bool wants_plan = search.explain();
  if (options_.slow_query.count() > 0) search.explain(true);
  NDB_TRY_ASSIGN(SearchResult result, collection.search(search));
  note_slow(call, search, result);
  if (!wants_plan) result.plan.reset();
  if (call.wants_flatbuffers) return ok_flatbuffers(encode_search_flatbuffers(result, search));
  return ok(encode_search(result, search, get_if(collection.as_of())));
}

Result<Response> Routes::search_batch(const Call& call, const std::vector<Search>& searches, const AsOf& as_of) {
  NDB_TRY_ASSIGN(const Collection collection, collection_at(call, as_of));
  NDB_TRY_ASSIGN(const std::vector<SearchResult> results, collection.search_batch(searches));
  for (const SearchResult& result : results) metrics_.observe_search(std::chrono::microseconds(result.took_us));
  return ok(encode_search_batch(results, searches, get_if(collection.as_of())));
}

Result<Response> Routes::count(const Call& call) {
  AsOf as_of;
  NDB_TRY_ASSIGN(const Filter filter, parse_count(call.request.body, &as_of));
  NDB_TRY_ASSIGN(const Collection collection, collection_at(call, as_of));
  NDB_TRY_ASSIGN(const std::uint64_t documents, collection.count(filter));
  return ok(encode_count(documents, get_if(collection.as_of())));
}

Result<Response> Routes::scroll(const Call& call) {
  AsOf as_of;
  NDB_TRY_ASSIGN(const ScrollRequest request, parse_scroll(call.request.body, &as_of));
  NDB_TRY_ASSIGN(const Collection collection, collection_at(call, as_of));
  NDB_TRY_ASSIGN(const ScrollPage page, collection.scroll(request.filter, request.limit, request.after));
  return ok(encode_page(page.documents, page.next ? &*page.next : nullptr, get_if(collection.as_of())));
}

}  // namespace ndb::http
