#include <algorithm>

#include "bindings/c/handles.hpp"

using ndb::Result;
using ndb::Status;
using ndb::c::guarded;
using ndb::c::handed_out;
using ndb::c::require;

namespace {

ndb_write_result written(const ndb::WriteResult& result) {
  return {sizeof(ndb_write_result), result.seq.value, result.inserted, result.replaced, result.deleted,
          static_cast<ndb_durability>(result.durability)};
}

// Runs write(Collection&) -> Result<WriteResult>, with what is wrong with the result's struct refused first.
template <class Write>
ndb_code write_to(ndb_collection* collection, ndb_write_result* result, ndb_error** error, Write write) {
  return guarded(error, [&]() -> Status {
    NDB_TRY(require(collection, "collection"));
    NDB_TRY(ndb::c::check_sized(result, "result"));
    NDB_TRY_ASSIGN(const auto done, write(collection->collection));
    return ndb::c::write_sized(result, written(done), "result");
  });
}

Result<std::vector<std::string>> read_ids(size_t count, const char* const* ids) {
  if (count == 0) return std::vector<std::string>{};
  NDB_TRY(require(ids, "ids"));
  if (count > ndb::Limits::kMaxBatchDocuments)
    return ndb::fail(ndb::ErrorCode::invalid_argument, "at most " + std::to_string(ndb::Limits::kMaxBatchDocuments) + " ids are allowed", "ids");
  std::vector<std::string> read;
  read.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    NDB_TRY(require(ids[i], "ids[" + std::to_string(i) + "]"));
    read.emplace_back(ids[i]);
  }
  return read;
}

Result<std::vector<ndb::DocumentView>> read_documents(size_t count, const char* const* ids, const float* vectors, size_t dim,
                                                      const char* const* payloads) {
  std::vector<ndb::DocumentView> documents;
  if (count == 0) return documents;
  NDB_TRY(require(ids, "ids"));
  NDB_TRY(require(vectors, "vectors"));
  if (count > ndb::Limits::kMaxBatchDocuments)  // before a pointer is followed that far
    return ndb::fail(ndb::ErrorCode::invalid_argument, "the batch has " + std::to_string(count) + " documents; at most " +
                     std::to_string(ndb::Limits::kMaxBatchDocuments) + " are allowed", "documents");
  documents.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    NDB_TRY(require(ids[i], "documents[" + std::to_string(i) + "].id"));
    const bool has_payload = payloads != nullptr && payloads[i] != nullptr;
    documents.push_back({.id = ids[i], .vector = {vectors + i * dim, dim},
                         .payload = has_payload ? std::string_view(payloads[i]) : std::string_view{}});
  }
  return documents;
}

// The engine reads empty text as no payload; here that is NULL, and empty text is no JSON.
Status check_payloads(size_t count, const char* const* payloads, bool single) {
  for (size_t i = 0; payloads != nullptr && i < count; ++i) {
    if (payloads[i] == nullptr || *payloads[i] != '\0') continue;
    const std::string field = single ? "payload" : "documents[" + std::to_string(i) + "].payload";
    return ndb::fail(ndb::ErrorCode::invalid_argument, field + " is empty text; it must be a JSON object or NULL", field);
  }
  return {};
}

}  // namespace

ndb_code ndb_insert(ndb_collection* collection, const char* id, const float* vector, size_t dim, const char* payload,
                    ndb_write_result* result, ndb_error** error) {
  return write_to(collection, result, error, [&](ndb::Collection& to) -> Result<ndb::WriteResult> {
    NDB_TRY(require(id, "id"));
    NDB_TRY(require(vector, "vector"));
    NDB_TRY(check_payloads(1, &payload, true));
    return to.insert({.id = id, .vector = {vector, dim}, .payload = payload == nullptr ? std::string_view{} : payload});
  });
}

ndb_code ndb_insert_batch(ndb_collection* collection, size_t count, const char* const* ids, const float* vectors, size_t dim,
                          const char* const* payloads, ndb_write_result* result, ndb_error** error) {
  return write_to(collection, result, error, [&](ndb::Collection& to) -> Result<ndb::WriteResult> {
    const bool fits = dim == to.config().dim;  // else the first one is refused, and no pointer is followed further
    NDB_TRY_ASSIGN(const auto documents, read_documents(fits ? count : std::min<size_t>(count, 1), ids, vectors, dim, payloads));
    NDB_TRY(check_payloads(documents.size(), payloads, false));
    return to.insert_batch(std::span(documents));
  });
}

ndb_code ndb_remove(ndb_collection* collection, const char* id, ndb_write_result* result, ndb_error** error) {
  return write_to(collection, result, error, [&](ndb::Collection& from) -> Result<ndb::WriteResult> {
    NDB_TRY(require(id, "id"));
    return from.remove(id);
  });
}

ndb_code ndb_remove_many(ndb_collection* collection, size_t count, const char* const* ids, ndb_write_result* result, ndb_error** error) {
  return write_to(collection, result, error, [&](ndb::Collection& from) -> Result<ndb::WriteResult> {
    NDB_TRY_ASSIGN(const auto read, read_ids(count, ids));
    return from.remove_many(read);
  });
}

// NULL is refused, not taken for everything: too much would be gone by a mistake.
ndb_code ndb_remove_where(ndb_collection* collection, const char* filter, ndb_write_result* result, ndb_error** error) {
  return write_to(collection, result, error, [&](ndb::Collection& from) -> Result<ndb::WriteResult> {
    NDB_TRY(require(filter, "filter"));
    NDB_TRY_ASSIGN(const auto read, ndb::Filter::from_json(filter));
    return from.remove_where(read);
  });
}

ndb_code ndb_get(const ndb_collection* collection, const char* id, ndb_documents** out, ndb_error** error) {
  return handed_out(out, error, [&]() -> Result<ndb_documents*> {
    NDB_TRY(require(collection, "collection"));
    NDB_TRY(require(id, "id"));
    NDB_TRY_ASSIGN(auto document, collection->collection.get(id));
    std::vector<ndb::Document> one;
    one.push_back(std::move(document));
    return new ndb_documents{std::move(one), {}, {}};
  });
}

ndb_code ndb_get_many(const ndb_collection* collection, size_t count, const char* const* ids, ndb_documents** out, ndb_error** error) {
  return handed_out(out, error, [&]() -> Result<ndb_documents*> {
    NDB_TRY(require(collection, "collection"));
    NDB_TRY_ASSIGN(const auto read, read_ids(count, ids));
    NDB_TRY_ASSIGN(auto found, collection->collection.get_many(read));
    return new ndb_documents{std::move(found.documents), std::move(found.missing), {}};
  });
}

ndb_code ndb_scroll(const ndb_collection* collection, const char* filter, uint32_t limit, const char* after, ndb_documents** out,
                    ndb_error** error) {
  return handed_out(out, error, [&]() -> Result<ndb_documents*> {
    NDB_TRY(require(collection, "collection"));
    NDB_TRY_ASSIGN(const auto read, ndb::c::read_filter(filter));
    const auto from = after == nullptr ? std::nullopt : std::optional<std::string>(after);
    NDB_TRY_ASSIGN(auto page, collection->collection.scroll(read, limit, from));
    return new ndb_documents{std::move(page.documents), {}, std::move(page.next)};
  });
}

ndb_code ndb_count(const ndb_collection* collection, const char* filter, uint64_t* out, ndb_error** error) {
  return guarded(error, [&]() -> Status {
    NDB_TRY(require(collection, "collection"));
    NDB_TRY(require(out, "out"));
    NDB_TRY_ASSIGN(const auto read, ndb::c::read_filter(filter));
    NDB_TRY_ASSIGN(*out, collection->collection.count(read));
    return {};
  });
}

size_t ndb_documents_count(const ndb_documents* documents) { return documents == nullptr ? 0 : documents->documents.size(); }

const char* ndb_documents_id(const ndb_documents* documents, size_t index) {
  return index < ndb_documents_count(documents) ? documents->documents[index].id.c_str() : nullptr;
}

const float* ndb_documents_vector(const ndb_documents* documents, size_t index, size_t* dim) {
  const bool there = index < ndb_documents_count(documents);
  if (dim != nullptr) *dim = there ? documents->documents[index].vector.size() : 0;
  return there ? documents->documents[index].vector.data() : nullptr;
}

const char* ndb_documents_payload(const ndb_documents* documents, size_t index) {
  if (index >= ndb_documents_count(documents) || documents->documents[index].payload.empty()) return nullptr;
  return documents->documents[index].payload.c_str();
}

size_t ndb_documents_missing_count(const ndb_documents* documents) { return documents == nullptr ? 0 : documents->missing.size(); }

const char* ndb_documents_missing(const ndb_documents* documents, size_t index) {
  return index < ndb_documents_missing_count(documents) ? documents->missing[index].c_str() : nullptr;
}

const char* ndb_documents_next(const ndb_documents* documents) {
  return documents == nullptr || !documents->next ? nullptr : documents->next->c_str();
}

void ndb_documents_free(ndb_documents* documents) { delete documents; }
