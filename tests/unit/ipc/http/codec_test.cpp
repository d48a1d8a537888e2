#include <cfloat>
#include <cmath>
#include <limits>
#include <random>

#include "ipc/http/codec/answer_codec.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "ipc/http/codec/request_codec.hpp"
#include "tests/support/catch.hpp"

namespace ndb::http {
namespace {

struct Bad {
  std::string body;
  std::string field;  // where the error must point
};

template <class Parse>
void check_refused(const std::vector<Bad>& cases, Parse parse) {
  for (const Bad& bad : cases) {
    INFO(bad.body);
    const auto parsed = parse(bad.body);
    CHECK_FALSE(parsed);
    if (!parsed) {
      CHECK(parsed.error().code == ErrorCode::invalid_argument);
      CHECK(parsed.error().field == bad.field);
      CHECK_FALSE(parsed.error().message.empty());
    }
  }
}

TEST_CASE("documents are read as they were sent") {
  auto batch = parse_documents(
      R"( {"documents":[{"id":"a","vector":[1,-2.5,1e-3],"payload":{"k": [1, {"x":"}"}]} },{"payload":null,"vector":[],"id":"\u00e9\n"}]} )");
  REQUIRE(batch);
  REQUIRE(batch->documents().size() == 2);
  const DocumentView& first = batch->documents()[0];
  CHECK(first.id == "a");
  CHECK(std::vector<float>(first.vector.begin(), first.vector.end()) == std::vector<float>{1.0F, -2.5F, 1e-3F});
  CHECK(first.payload == R"({"k": [1, {"x":"}"}]})");
  CHECK(batch->documents()[1].id == "\xC3\xA9\n");
  CHECK(batch->documents()[1].payload.empty());
  CHECK(batch->documents()[1].vector.empty());
  CHECK(parse_documents(R"({"documents":[]})")->documents().empty());
}

TEST_CASE("a documents body with anything wrong is refused with its place") {
  const auto doc = [](std::string_view text) {
    return R"({"documents":[{"id":"a","vector":[1]},)" + std::string(text) + "]}";
  };
  check_refused(
      {
          {"", ""},
          {"[]", ""},
          {"null", ""},
          {"{", ""},
          {"{}", "documents"},
          {R"({"documents":{}})", "documents"},
          {R"({"documents":[],"extra":1})", "extra"},
          {R"({"documents":[],"documents":[]})", "documents"},
          {R"({"documents":[]} {})", ""},
          {R"({"documents":[]}})", ""},
          {doc("1"), "documents[1]"},
          {doc("{}"), "documents[1].id"},
          {doc(R"({"id":"b"})"), "documents[1].vector"},
          {doc(R"({"vector":[1]})"), "documents[1].id"},
          {doc(R"({"id":1,"vector":[1]})"), "documents[1].id"},
          {doc(R"({"id":null,"vector":[1]})"), "documents[1].id"},
          {doc(R"({"id":"b","id":"c","vector":[1]})"), "documents[1].id"},
          {doc(R"({"id":"b","vector":[1],"text":"x"})"), "documents[1].text"},
          {doc(R"({"id":"b","vector":1})"), "documents[1].vector"},
          {doc(R"({"id":"b","vector":{"a":1}})"), "documents[1].vector"},
          {doc(R"({"id":"b","vector":[1,"2"]})"), "documents[1].vector[1]"},
          {doc(R"({"id":"b","vector":[1,null]})"), "documents[1].vector[1]"},
          {doc(R"({"id":"b","vector":[1,[2]]})"), "documents[1].vector[1]"},
          {doc(R"({"id":"b","vector":[0,0,1e39]})"), "documents[1].vector[2]"},
          {doc(R"({"id":"b","vector":[0,0,-1e39]})"), "documents[1].vector[2]"},
          {doc(R"({"id":"b","vector":[0,1e400]})"), "documents[1].vector[1]"},
          {doc(R"({"id":"b","vector":[NaN]})"), "documents[1].vector[0]"},
          {doc(R"({"id":"b","vector":[Infinity]})"), "documents[1].vector[0]"},
          {doc(R"({"id":"b","vector":[01]})"), "documents[1].vector[0]"},
          {doc(R"({"id":"b","vector":[1.]})"), "documents[1].vector[0]"},
          {doc(R"({"id":"b","vector":[+1]})"), "documents[1].vector[0]"},
          {doc(R"({"id":"b","vector":[1],"payload":[]})"), "documents[1].payload"},
          {doc(R"({"id":"b","vector":[1],"payload":"{}"})"), "documents[1].payload"},
          {doc(R"({"id":"b","vector":[1],"payload":nil})"), "documents[1].payload"},
      },
      [](const std::string& body) { return parse_documents(body); });
}

TEST_CASE("broken JSON is refused wherever it breaks") {
  const std::string whole = R"({"documents":[{"id":"a","vector":[1.5,2],"payload":{"a":"b"}}]})";
  REQUIRE(parse_documents(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    INFO(whole.substr(0, length));
    CHECK_FALSE(parse_documents(whole.substr(0, length)));
  }
  CHECK_FALSE(parse_documents("{\"documents\":[{\"id\":\"\xFF\",\"vector\":[1]}]}"));
  CHECK_FALSE(parse_documents(R"({"documents":[{"id":"\ud800","vector":[1]}]})"));
  CHECK_FALSE(parse_documents(R"({"documents":[{"id":"a","vector":)" + std::string(100'000, '[')));
  CHECK_FALSE(parse_documents(R"({"documents":[{"id":"a","vector":)" + std::string(100'000, '[') +
                              std::string(100'000, ']') + "}]}"));
}

TEST_CASE("broken JSON is refused with the place of the first byte that is wrong") {
  const std::vector<std::pair<std::string, std::size_t>> cases = {
      {"", 0},
      {R"({"ids":["a" "b"]})", 12},
      {R"({"ids":["a"})", 11},
      {R"({"ids":["a"])", 12},
      {R"({"ids":["a"]} x)", 14},
      {"{\"ids\":[\"a\",\"\xff\"]}", 13},
      {std::string(3000, ' ') + R"({"ids":[}])", 3008}};
  for (const auto& [body, place] : cases) {
    CAPTURE(body);
    const auto parsed = parse_ids(body);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message.find("invalid JSON at byte " + std::to_string(place)) == 0);
  }
}

TEST_CASE("bytes flipped at random never crash the codec") {
  const std::string whole =
      R"({"documents":[{"id":"a","vector":[1.5,2],"payload":{"a":["b",{"c":null}]}},{"id":"b","vector":[3]}]})";
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string body = whole;
    const auto flips = 1 + random() % 4;
    for (std::size_t i = 0; i < flips; ++i) body[random() % body.size()] = static_cast<char>(random());
    const auto batch = parse_documents(body);
    if (!batch) continue;
    for (const DocumentView& document : batch->documents()) CHECK(document.payload.size() <= body.size());
  }
}

TEST_CASE("vectors survive their way through JSON bit by bit") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::vector<float> values{0.0F,   -0.0F,      FLT_MAX, -FLT_MAX, FLT_MIN, std::numeric_limits<float>::denorm_min(),
                            1e-45F, 16777217.0F};
  while (values.size() < 5'000) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (std::isfinite(value)) values.push_back(value);
  }
  JsonWriter json;
  json.begin_object().key("documents").begin_array().begin_object().field("id", "a");
  json.key("vector").floats(values).end_object().end_array().end_object();
  const auto batch = parse_documents(json.text());
  REQUIRE(batch);
  const auto read = batch->documents()[0].vector;
  REQUIRE(read.size() == values.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    CAPTURE(i, values[i]);
    REQUIRE(std::bit_cast<std::uint32_t>(read[i]) == std::bit_cast<std::uint32_t>(values[i]));
  }
}

TEST_CASE("a number is rounded once, not first to double and then to float") {
  // 1 + 2^-24 + 2^-60 lies just above the middle between 1 and the next float; as a double it is the middle itself.
  const auto batch = parse_documents(R"({"documents":[{"id":"a","vector":[1.00000005960464477626]}]})");
  REQUIRE(batch);
  CHECK(batch->documents()[0].vector[0] == std::nextafter(1.0F, 2.0F));
  CHECK(parse_documents(R"({"documents":[{"id":"a","vector":[3.4028235e38]}]})")->documents()[0].vector[0] == FLT_MAX);
  CHECK(parse_documents(R"({"documents":[{"id":"a","vector":[1e-60]}]})")->documents()[0].vector[0] == 0.0F);
}

TEST_CASE("a search is read with every option, and its defaults are the contract's") {
  const auto plain = parse_search(R"({"vector":[1,2]})");
  REQUIRE(plain);
  CHECK(plain->query().size() == 2);
  CHECK(plain->top_k() == 10);
  CHECK(plain->approximate());
  CHECK(plain->with_payload());
  CHECK_FALSE(plain->with_vector());
  CHECK_FALSE(plain->ef());
  CHECK(plain->filter().matches_all());
  const auto full = parse_search(
      R"({"vector":[1],"top_k":5,"approximate":false,"ef":99,"filter":{"a":1},"with_payload":false,"with_vector":true,)"
      R"("min_seq":18446744073709551615,"timeout_ms":250,"explain":true})");
  REQUIRE(full);
  CHECK(full->top_k() == 5);
  CHECK_FALSE(full->approximate());
  CHECK(full->ef() == 99);
  CHECK(full->filter().node().op == Filter::Op::eq);
  CHECK_FALSE(full->with_payload());
  CHECK(full->with_vector());
  CHECK(full->min_seq().value == UINT64_MAX);
  CHECK(full->timeout() == std::chrono::milliseconds(250));
  CHECK(full->explain());
}

TEST_CASE("a search with anything wrong is refused with its place") {
  const auto with = [](std::string_view rest) { return R"({"vector":[1],)" + std::string(rest) + "}"; };
  check_refused(
      {
          {"{}", "vector"},
          {R"({"vector":"x"})", "vector"},
          {R"({"vector":[true]})", "vector[0]"},
          {with(R"("top_k":0)"), "top_k"},
          {with(R"("top_k":-1)"), "top_k"},
          {with(R"("top_k":10001)"), "top_k"},
          {with(R"("top_k":1.5)"), "top_k"},
          {with(R"("top_k":"10")"), "top_k"},
          {with(R"("topk":10)"), "topk"},
          {with(R"("ef":0)"), "ef"},
          {with(R"("recall":"much")"), "recall"},
          {with(R"("ef":16385)"), "ef"},
          {with(R"("approximate":1)"), "approximate"},
          {with(R"("with_payload":"yes")"), "with_payload"},
          {with(R"("with_vector":null)"), "with_vector"},
          {with(R"("min_seq":-1)"), "min_seq"},
          {with(R"("min_seq":18446744073709551616)"), "min_seq"},
          {with(R"("timeout_ms":0)"), "timeout_ms"},
          {with(R"("explain":"x")"), "explain"},
          {with(R"("filter":[])"), "filter"},
          {with(R"("filter":{"$or":[]})"), "filter"},
          {with(R"("top_k":1,"top_k":1)"), "top_k"},
      },
      [](const std::string& body) { return parse_search(body); });
  check_refused({{R"({"searches":[]})", "searches"},
                 {R"({"searches":[{"vector":[1]},{"vector":[1e99]}]})", "searches[1].vector[0]"},
                 {R"({"searches":[{"vector":[1],"filter":{"a":{"$foo":1}}}]})", "searches[0].filter.a.$foo"},
                 {R"({"searches":[7]})", "searches[0]"}},
                [](const std::string& body) { return parse_search_batch(body); });
}

TEST_CASE("ids, deletes, counts and scrolls are read strictly") {
  CHECK(*parse_ids(R"({"ids":["a","b/c"]})") == std::vector<std::string>{"a", "b/c"});
  check_refused({{"{}", "ids"}, {R"({"ids":[1]})", "ids[0]"}, {R"({"ids":"a"})", "ids"}},
                [](const std::string& body) { return parse_ids(body); });
  CHECK(parse_delete(R"({"ids":["a"]})")->ids.size() == 1);
  CHECK(parse_delete(R"({"filter":{"a":1}})")->filter);
  check_refused({{"{}", "ids"}, {R"({"ids":[],"filter":{}})", "ids"}, {R"({"filter":null})", "filter"}},
                [](const std::string& body) { return parse_delete(body); });
  CHECK(parse_count("")->matches_all());
  CHECK(parse_count(R"({"filter":null})")->matches_all());
  CHECK(parse_scroll("{}")->limit == 100);
  CHECK(parse_scroll(R"({"limit":5,"after":"x"})")->after == "x");
  check_refused({{R"({"limit":0})", "limit"}, {R"({"limit":10001})", "limit"}, {R"({"after":1})", "after"}},
                [](const std::string& body) { return parse_scroll(body); });
}

TEST_CASE("a collection's configuration is read over the defaults") {
  const auto config = parse_collection_config(
      R"({"dim":3,"distance":"dot","durability":"sync","hnsw":{"m":8,"ef_construct":50,"ef_search":20}})", {});
  REQUIRE(config);
  CHECK(*config == CollectionConfig{3, Distance::dot, Durability::sync, {8, 50, 20}});
  CHECK(parse_collection_config("", {.dim = 7})->dim == 7);
  CHECK(parse_collection_config(R"({"dim":3,"attributes":{"only":["a","b.c"],"never":["text"]}})", {})->attributes ==
        AttributeConfig{.only = {"a", "b.c"}, .never = {"text"}});
  check_refused({{"{}", "dim"},
                 {R"({"dim":0})", "dim"},
                 {R"({"dim":65537})", "dim"},
                 {R"({"dim":3,"distance":"l2"})", "distance"},
                 {R"({"dim":3,"durability":true})", "durability"},
                 {R"({"dim":3,"hnsw":{"m":1}})", "hnsw.m"},
                 {R"({"dim":3,"hnsw":{"ef":1}})", "hnsw.ef"},
                 {R"({"dim":3,"attributes":{"some":[]}})", "attributes.some"},
                 {R"({"dim":3,"attributes":{"only":"a"}})", "attributes.only"},
                 {R"({"dim":3,"attributes":{"only":["a",1]}})", "attributes.only[1]"},
                 {R"({"dim":3,"hnsw":7})", "hnsw"}},
                [](const std::string& body) { return parse_collection_config(body, {}); });
}

TEST_CASE("the writer escapes what JSON forbids and repairs what is not UTF-8") {
  JsonWriter json;
  json.begin_array()
      .string("a\"\\\n\t\r\x01\x7F/\xC3\xA9\xF0\x9F\x98\x80")
      .string("\xFF\xC3(\xED\xA0\x80\xC0\x80")
      .end_array();
  CHECK(json.text() ==
        "[\"a\\\"\\\\\\n\\t\\r\\u0001\\u007f/\xC3\xA9\xF0\x9F\x98\x80\","
        "\"\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"]");
  JsonWriter numbers;
  numbers.begin_array().number(0.1F).number(1e20F).number(0.1).number(std::numeric_limits<float>::infinity());
  numbers.number(std::uint64_t{UINT64_MAX})
      .number(std::int64_t{-5})
      .boolean(true)
      .null()
      .begin_object()
      .end_object()
      .end_array();
  CHECK(numbers.text() == "[0.1,1e+20,0.1,null,18446744073709551615,-5,true,null,{}]");
}

TEST_CASE("answers are worded as in the contract") {
  const Document document{"a", {1.0F, 0.5F}, R"({"k":1})"};
  CHECK(encode_document(document) == R"({"id":"a","vector":[1,0.5],"payload":{"k":1}})");
  const std::string next = "a";
  CHECK(encode_page(std::span(&document, 1), &next) ==
        R"({"documents":[{"id":"a","vector":[1,0.5],"payload":{"k":1}}],"next":"a"})");
  CHECK(encode_page({}, nullptr) == R"({"documents":[],"next":null})");
  SearchResult result;
  result.matches.push_back({"a", 0.5F, "", {}});
  result.seq = Seq{7};
  result.manifest_version = ManifestVersion{3};
  result.took_us = 12;
  CHECK(encode_search(result, Search{}) ==
        R"({"matches":[{"id":"a","score":0.5,"payload":null}],"seq":7,"manifest_version":3,"took_us":12})");
  CHECK(encode_search(result, Search{}.with_payload(false).with_vector(true)) ==
        R"({"matches":[{"id":"a","score":0.5,"vector":[]}],"seq":7,"manifest_version":3,"took_us":12})");
  CHECK(encode_insert({.seq = Seq{9}, .inserted = 2, .replaced = 1, .deleted = 0, .durability = Durability::sync}) ==
        R"({"seq":9,"inserted":2,"replaced":1,"durability":"sync"})");
}

TEST_CASE("a request may name a version or a time, in the ways that people and programs write it, and not both") {
  AsOf as_of;
  REQUIRE(parse_search(R"({"vector":[1],"at_version":7})", &as_of));
  CHECK(as_of.version == ManifestVersion{7});
  CHECK_FALSE(as_of.newest());
  for (const std::string time : {R"("1970-01-01T00:00:01.5Z")", "1500", R"("1970-01-01T01:00:01.500+01:00")"}) {
    CAPTURE(time);
    as_of = {};
    REQUIRE(parse_count(R"({"at_time":)" + time + "}", &as_of));
    CHECK(as_of.time == std::chrono::system_clock::time_point(std::chrono::milliseconds(1'500)));
  }
  as_of = {};
  REQUIRE(parse_scroll("", &as_of).has_value() == parse_scroll("").has_value());
  REQUIRE(parse_ids(R"({"ids":[]})", &as_of));
  CHECK(as_of.newest());
  const auto field_of = [](const auto& refused) {
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::invalid_argument);
    return refused.error().field;
  };
  for (const std::string body : {R"({"at_time":"yesterday"})", R"({"at_time":-1})", R"({"at_time":true})", R"({"at_version":1,"at_time":1})"}) {
    CAPTURE(body);
    AsOf refused;
    CHECK(field_of(parse_count(body, &refused)) == "at_time");
  }
  AsOf other;
  CHECK(field_of(parse_count(R"({"at_version":0})", &other)) == "at_version");
  CHECK(field_of(parse_count(R"({"at_version":1})")) == "at_version");  // where nobody asks for it, it is unknown
  CHECK(field_of(parse_search_batch(R"({"searches":[{"vector":[1],"at_version":1}]})", &other)) == "searches[0].at_version");
  CHECK(parse_as_of("12", {})->version == ManifestVersion{12});
  CHECK(field_of(parse_as_of("0", {})) == "at_version");
  CHECK(field_of(parse_as_of("1x", {})) == "at_version");
  CHECK(field_of(parse_as_of({}, "soon")) == "at_time");
  CHECK(parse_as_of({}, {})->newest());
}

TEST_CASE("how long old versions stay is read within its bounds, and what is not said stays") {
  const HistoryConfig now{.retention = std::chrono::seconds(5), .interval = std::chrono::seconds(6)};
  CHECK(*parse_history(R"({"retention_s":9})", now) == HistoryConfig{std::chrono::seconds(9), std::chrono::seconds(6)});
  CHECK(parse_history(R"({"interval_s":0})", now).error().field == "interval_s");
  CHECK(parse_history(R"({"retention_s":315360001})", now).error().field == "retention_s");
  const auto config = parse_collection_config(R"({"dim":3,"history":{"retention_s":60,"interval_s":2}})", {});
  REQUIRE(config);
  CHECK(config->history == HistoryConfig{std::chrono::seconds(60), std::chrono::seconds(2)});
}

}  // namespace
}  // namespace ndb::http
