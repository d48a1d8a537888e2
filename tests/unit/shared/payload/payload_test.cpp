#include "shared/payload/payload.hpp"

#include <cstring>
#include <random>

#include "shared/payload/value.hpp"
#include "tests/support/catch.hpp"

using namespace ndb;
using payload::Kind;
using payload::Value;

namespace {

std::string round_trip(std::string_view json) {
  const auto bytes = payload::encode(json);
  INFO("json: " << json);
  REQUIRE(bytes);
  const auto text = payload::decode(*bytes);
  REQUIRE(text);
  return *text;
}

std::string nested(std::size_t depth) {
  return "{\"a\":" + std::string(depth - 1, '[') + "1" + std::string(depth - 1, ']') + "}";
}

}  // namespace

TEST_CASE("a payload comes out as it went in") {
  for (const char* json : {
           R"({})", R"({"a":1})", R"({"a":-1,"b":"x","c":null,"d":true,"e":false})",
           R"({"i":9223372036854775807,"j":-9223372036854775808,"u":18446744073709551615})",
           R"({"a":3,"b":3.0,"c":-0.0,"d":0.1,"e":1e+300,"f":5e-324})",
           R"({"a":[],"b":{},"c":[[],[{}],[1,[2,[3]]]],"d":{"e":{"f":[1,"x",null]}}})",
           R"({"":1,"a b":2,"a.b":3,"ä":"ö","日本":"語"})",
           R"({"nul":"a\u0000b","q":"\"\\\n\r\t\b\f\u0001\u001f"})",
           R"({"mixed":[1,2.5,"x",true,null,300,70000,5000000000]})",
       })
    CHECK(round_trip(json) == json);
}

TEST_CASE("the last of equal keys wins and keys come out sorted") {
  CHECK(round_trip(R"({"b":1,"a":2,"b":{"x":3}})") == R"({"a":2,"b":{"x":3}})");
  CHECK(round_trip(R"( { "z" : [ 1 , 2 ] , "y" : "\u00e4" } )") == "{\"y\":\"\xc3\xa4\",\"z\":[1,2]}");
}

TEST_CASE("no payload is no bytes") {
  CHECK(payload::encode("").value().empty());
  CHECK(payload::decode({}).value().empty());
  CHECK_FALSE(payload::encode("{}").value().empty());
}

TEST_CASE("what is no strict JSON object is refused under its field") {
  for (const std::string bad :
       {"1", "[]", "null", "\"x\"", " ", "{", "{\"a\":}", "{\"a\":1,}", "{'a':1}", "{\"a\":01}", "{\"a\":NaN}", "{\"a\":1}x",
        "{\"a\":1}{}", "{\"a\":1e999}", "{\"a\":123456789012345678901234567890}", "{\"a\":\"\xff\"}", "{\"\xc3\x28\":1}",
        "{\"a\":\"\n\"}", "{\"a\":\"\\ud800\"}", "{\"a\\u0000b\":1}", "{\"a\":\"\\x\"}", "{\"a\":tru}"}) {
    CAPTURE(bad);
    const auto bytes = payload::encode(bad, "documents[3].payload");
    REQUIRE_FALSE(bytes);
    CHECK(bytes.error().code == ErrorCode::invalid_argument);
    CHECK(bytes.error().field == "documents[3].payload");
    CHECK(bytes.error().message.starts_with("documents[3].payload "));
  }
}

TEST_CASE("depth and size have limits that are reached exactly") {
  CHECK(round_trip(nested(payload::kMaxDepth)) == nested(payload::kMaxDepth));
  const auto deep = payload::encode(nested(payload::kMaxDepth + 1));
  REQUIRE_FALSE(deep);
  CHECK(deep.error().message == "payload is no valid JSON: it nests too deeply");
  CHECK_FALSE(payload::encode(nested(100'000)));

  const std::string frame = R"({"a":""})";
  const auto json = [&](std::size_t bytes) { return R"({"a":")" + std::string(bytes - frame.size(), 'x') + R"("})"; };
  CHECK(round_trip(json(Limits::kMaxPayloadBytes)) == json(Limits::kMaxPayloadBytes));
  CHECK(payload::encode(json(Limits::kMaxPayloadBytes + 1)).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("a large payload does not disturb small ones after it") {
  std::string large = R"({"a":[0)";
  for (int i = 1; i < 50'000; ++i) large += ",1";
  large += "]}";
  CHECK(round_trip(large) == large);
  CHECK(round_trip(R"({"a":1})") == R"({"a":1})");
}

TEST_CASE("members are found in place at any alignment") {
  const auto bytes = payload::encode(R"({"a":{"b":[1,"x"]},"n":-7,"u":18446744073709551615,"f":2.5,"t":true,"":null})").value();
  for (std::size_t shift = 0; shift < 8; ++shift) {
    std::vector<std::byte> moved(bytes.size() + shift);
    std::memcpy(moved.data() + shift, bytes.data(), bytes.size());
    const Value root = Value::root(base::ByteSpan(moved).subspan(shift));
    REQUIRE(root.kind() == Kind::object);
    CHECK(root.size() == 6);
    CHECK(root.find("n").as_int64() == -7);
    CHECK(root.find("u").as_uint64() == 18446744073709551615ULL);
    CHECK(root.find("f").as_double() == 2.5);
    CHECK(root.find("t").as_bool());
    CHECK(root.find("").kind() == Kind::null);
    CHECK(root.find("a").find("b").at(1).as_string() == "x");
    CHECK(root.find("missing").kind() == Kind::invalid);
    CHECK(root.find("n").find("x").kind() == Kind::invalid);
  }
}

TEST_CASE("damaged bytes are refused, never read past") {
  const auto good = payload::encode(R"({"a":[1,2.5,"text",{"k":null}],"b":{"c":"d","e":70000},"f":"g"})").value();
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto try_all = [](const std::vector<std::byte>& bytes) {
    const auto text = payload::decode(bytes);  // under the sanitizers: no access outside
    if (text && !text->empty()) {
      CHECK(payload::encode(*text));
    }
    const Value root = Value::root(bytes);
    for (const char* key : {"a", "b", "f", "zz"}) CHECK(root.find(key).kind() <= Kind::object);
  };
  for (std::size_t length = 0; length < good.size(); ++length)
    try_all(std::vector(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
  for (std::size_t at = 0; at < good.size(); ++at)
    for (unsigned value = 0; value < 256; ++value) {
      auto bytes = good;
      bytes[at] = static_cast<std::byte>(value);
      try_all(bytes);
    }
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> bytes(random() % 64);
    for (auto& byte : bytes) byte = static_cast<std::byte>(random() % 48);
    try_all(bytes);
  }
}

TEST_CASE("a payload that points to one part again and again is refused rather than blown up") {
  // Arrays of 200 elements that all point to the array before, 8 levels: 200^8 values.
  std::vector<std::byte> bytes{std::byte{0}};
  std::size_t target = bytes.size();
  const auto put = [&](std::uint32_t value) { base::append(bytes, value); };
  put(0);  // an empty array of 4-byte elements
  target = bytes.size();
  for (int level = 0; level < 8; ++level) {
    put(200);
    const std::size_t start = bytes.size();
    for (int i = 0; i < 200; ++i) put(static_cast<std::uint32_t>(bytes.size() - target));
    for (int i = 0; i < 200; ++i) bytes.push_back(std::byte{10 << 2 | 2});
    target = start;
  }
  const std::size_t key = bytes.size();
  bytes.push_back(std::byte{'a'});
  bytes.push_back(std::byte{0});
  put(1);
  const std::size_t keys = bytes.size();
  put(static_cast<std::uint32_t>(bytes.size() - key));
  put(static_cast<std::uint32_t>(bytes.size() - keys));
  put(4);
  put(1);
  const std::size_t map = bytes.size();
  put(static_cast<std::uint32_t>(bytes.size() - target));
  bytes.push_back(std::byte{10 << 2 | 2});
  const auto back = static_cast<std::uint32_t>(bytes.size() - map);
  put(back);
  bytes.push_back(std::byte{9 << 2 | 2});
  bytes.push_back(std::byte{4});
  REQUIRE(Value::root(bytes).find("a").kind() == Kind::array);
  const auto text = payload::decode(bytes);
  REQUIRE_FALSE(text);
  CHECK(text.error().code == ErrorCode::corruption);
}
