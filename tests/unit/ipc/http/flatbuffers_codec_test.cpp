#include "ipc/http/codec/flatbuffers_codec.hpp"

#include <flatbuffers/flatbuffers.h>

#include <random>

#include "ndb_schema/http_messages_generated.h"
#include "tests/support/catch.hpp"

namespace ndb::http {
namespace {

using flatbuffers::FlatBufferBuilder;

std::string finished(const FlatBufferBuilder& builder) {
  return std::string(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
}

std::string insert_request() {
  FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<fbs::Document>> documents;
  const std::vector<float> vector{1.5F, -2.0F};
  documents.push_back(fbs::CreateDocumentDirect(builder, "a", &vector, R"({"k":1})"));
  documents.push_back(fbs::CreateDocumentDirect(builder, "b", &vector, nullptr));
  builder.Finish(fbs::CreateInsertRequestDirect(builder, &documents));
  return finished(builder);
}

TEST_CASE("documents come out of a FlatBuffer as they went in") {
  const auto batch = parse_documents_flatbuffers(insert_request());
  REQUIRE(batch);
  REQUIRE(batch->documents().size() == 2);
  CHECK(batch->documents()[0].id == "a");
  CHECK(batch->documents()[0].payload == R"({"k":1})");
  CHECK(batch->documents()[0].vector.size() == 2);
  CHECK(batch->documents()[0].vector[0] == 1.5F);
  CHECK(batch->documents()[1].payload.empty());
}

TEST_CASE("a search request keeps its options and refuses those out of range") {
  const auto make = [](std::uint32_t top_k, const char* filter) {
    FlatBufferBuilder builder;
    const std::vector<float> vector{1.0F};
    builder.Finish(fbs::CreateSearchRequestDirect(builder, &vector, top_k, false, 99, filter, false, true, 7, 250));
    return finished(builder);
  };
  const auto search = parse_search_flatbuffers(make(5, R"({"a":1})"));
  REQUIRE(search);
  CHECK(search->top_k() == 5);
  CHECK_FALSE(search->approximate());
  CHECK(search->ef() == 99);
  CHECK(search->filter().node().op == Filter::Op::eq);
  CHECK_FALSE(search->with_payload());
  CHECK(search->with_vector());
  CHECK(search->min_seq().value == 7);
  CHECK(search->timeout() == std::chrono::milliseconds(250));
  CHECK(parse_search_flatbuffers(make(0, nullptr)).error().field == "top_k");
  CHECK(parse_search_flatbuffers(make(1, R"({"a":{"$x":1}})")).error().field == "filter.a.$x");
}

TEST_CASE("ids and answers survive the way") {
  FlatBufferBuilder builder;
  const std::vector<flatbuffers::Offset<flatbuffers::String>> ids{builder.CreateString("x"),
                                                                  builder.CreateString("y/z")};
  builder.Finish(fbs::CreateIdsRequestDirect(builder, &ids));
  CHECK(*parse_ids_flatbuffers(finished(builder)) == std::vector<std::string>{"x", "y/z"});

  SearchResult result;
  result.matches.push_back({"a", 0.5F, R"({"k":1})", {1.0F, 2.0F}});
  result.seq = Seq{9};
  const std::string body = encode_search_flatbuffers(result, Search{}.with_vector(true));
  const auto* const answer = flatbuffers::GetRoot<fbs::SearchAnswer>(body.data());
  REQUIRE(answer->matches()->size() == 1);
  CHECK(answer->matches()->Get(0)->id()->str() == "a");
  CHECK(answer->matches()->Get(0)->score() == 0.5F);
  CHECK(answer->matches()->Get(0)->vector()->size() == 2);
  CHECK(answer->seq() == 9);
  const std::string inserted = encode_insert_flatbuffers({.seq = Seq{4}, .inserted = 1, .replaced = 2});
  CHECK(flatbuffers::GetRoot<fbs::InsertAnswer>(inserted.data())->replaced() == 2);
}

TEST_CASE("bytes that are no FlatBuffer are refused, and none crashes") {
  CHECK_FALSE(parse_documents_flatbuffers(""));
  CHECK_FALSE(parse_documents_flatbuffers("abc"));
  CHECK_FALSE(parse_search_flatbuffers(R"({"vector":[1]})"));
  const std::string whole = insert_request();
  for (std::size_t length = 0; length + 8 < whole.size(); ++length) {  // the last bytes may be padding
    std::string cut = whole.substr(0, length);
    CHECK_FALSE(parse_documents_flatbuffers(std::move(cut)));
  }
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::size_t accepted_floats = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string body = whole;
    for (int i = 0; i < 3; ++i) body[random() % body.size()] = static_cast<char>(random());
    const auto batch = parse_documents_flatbuffers(std::move(body));
    if (!batch) continue;
    for (const DocumentView& document : batch->documents()) accepted_floats += document.vector.size();
  }
  CHECK(accepted_floats < 20'000 * whole.size());
}

}  // namespace
}  // namespace ndb::http
