#include "ipc/http/target.hpp"

#include "ipc/http/client.hpp"
#include "tests/support/catch.hpp"

namespace ndb::http {
namespace {

TEST_CASE("a target is split before it is decoded, so that an id may hold a slash") {
  const auto target = parse_target("/v1/collections/docs/documents/a%2Fb%20c?wait=true&x=%26&flag");
  REQUIRE(target);
  CHECK(target->segments == std::vector<std::string>{"v1", "collections", "docs", "documents", "a/b c"});
  CHECK(target->query_value("wait") == "true");
  CHECK(target->query_value("x") == "&");
  CHECK(target->query_value("flag") == "");
  CHECK_FALSE(target->query_value("other"));
}

TEST_CASE("targets of every form are read or refused") {
  CHECK(parse_target("/")->segments.empty());
  CHECK(parse_target("/a/")->segments == std::vector<std::string>{"a"});
  CHECK(parse_target("/a//b")->segments == std::vector<std::string>{"a", "", "b"});
  CHECK(parse_target("http://host:1/a?b=c")->segments == std::vector<std::string>{"a"});
  CHECK(parse_target("http://host")->segments.empty());
  for (const char* bad : {"", "*", "a/b", "/%", "/%2", "/%zz", "/a?x=%f"}) {
    INFO(bad);
    CHECK_FALSE(parse_target(bad));
  }
}

TEST_CASE("percent-encoding and decoding are inverse for every byte") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const std::string encoded = percent_encode(all);
  CHECK(encoded.find('/') == std::string::npos);
  CHECK(percent_decode(encoded) == all);
}

TEST_CASE("URLs are read or refused") {
  const auto url = parse_url("http://localhost:7700/prefix/");
  REQUIRE(url);
  CHECK(url->host == "localhost");
  CHECK(url->port == 7700);
  CHECK(url->path == "/prefix");
  CHECK_FALSE(url->tls);
  CHECK(parse_url("https://a.example")->port == 443);
  CHECK(parse_url("127.0.0.1:80")->host == "127.0.0.1");
  CHECK(parse_url("http://[::1]:7700")->host == "::1");
  for (const char* bad : {"", "http://", "ftp://a", "http://a:0", "http://a:70000", "http://a:x", "http://a b",
                          "http://[::1", "http://::1:80", "http://a/b?c", "http://a\r\nX: y"}) {
    INFO(bad);
    CHECK_FALSE(parse_url(bad));
  }
}

}  // namespace
}  // namespace ndb::http
