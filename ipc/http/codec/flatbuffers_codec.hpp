// Bodies as FlatBuffers (shared/format/schema/http_messages.fbs), on documents and search. Bodies are verified before
// anything of them is used; errors are as in request_codec.hpp, with the same fields.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/http/codec/request_codec.hpp"
#include "ndb/document.hpp"
#include "ndb/search.hpp"

namespace ndb::http {

inline constexpr std::string_view kFlatBuffersType = "application/vnd.ndb.flatbuffers";

/// InsertRequest. The documents' vectors and payloads stay in the body.
[[nodiscard]] Result<DocumentBatch> parse_documents_flatbuffers(std::string body);
/// IdsRequest.
[[nodiscard]] Result<std::vector<std::string>> parse_ids_flatbuffers(std::string_view body);
/// SearchRequest.
[[nodiscard]] Result<Search> parse_search_flatbuffers(std::string_view body);

[[nodiscard]] std::string encode_document_flatbuffers(const Document& document);
[[nodiscard]] std::string encode_documents_flatbuffers(std::span<const Document> documents,
                                                       std::span<const std::string> missing);
[[nodiscard]] std::string encode_insert_flatbuffers(const WriteResult& result);
[[nodiscard]] std::string encode_search_flatbuffers(const SearchResult& result, const Search& search);

}  // namespace ndb::http
