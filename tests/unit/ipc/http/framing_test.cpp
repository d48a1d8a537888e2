#include "ipc/http/framing.hpp"

#include "tests/support/catch.hpp"

namespace ndb::http {
namespace {

struct Case {
  const char* what;
  Headers headers;
  unsigned version;
  const char* refused_header;  // null: accepted
};

const Header kHost{"Host", "x"};

TEST_CASE("a body that two parsers could frame differently is refused") {
  const std::vector<Case> cases{
      {"nothing", {kHost}, 11, nullptr},
      {"HTTP/1.0 without Host", {}, 10, nullptr},
      {"one length", {kHost, {"Content-Length", "5"}}, 11, nullptr},
      {"chunked", {kHost, {"Transfer-Encoding", "Chunked"}}, 11, nullptr},
      {"no Host", {}, 11, "Host"},
      {"two Hosts", {kHost, {"host", "y"}}, 11, "Host"},
      {"TE and CL", {kHost, {"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}}, 11, "Transfer-Encoding"},
      {"CL and TE", {kHost, {"content-length", "5"}, {"transfer-encoding", "chunked"}}, 11, "Transfer-Encoding"},
      {"TE twice",
       {kHost, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
       11,
       "Transfer-Encoding"},
      {"TE identity", {kHost, {"Transfer-Encoding", "identity"}}, 11, "Transfer-Encoding"},
      {"TE gzip, chunked", {kHost, {"Transfer-Encoding", "gzip, chunked"}}, 11, "Transfer-Encoding"},
      {"TE chunked, identity", {kHost, {"Transfer-Encoding", "chunked, identity"}}, 11, "Transfer-Encoding"},
      {"TE with junk", {kHost, {"Transfer-Encoding", "xchunked"}}, 11, "Transfer-Encoding"},
      {"TE empty", {kHost, {"Transfer-Encoding", ""}}, 11, "Transfer-Encoding"},
      {"TE in HTTP/1.0", {{"Transfer-Encoding", "chunked"}}, 10, "Transfer-Encoding"},
      {"CL twice, equal", {kHost, {"Content-Length", "5"}, {"Content-Length", "5"}}, 11, "Content-Length"},
      {"CL twice, unequal", {kHost, {"Content-Length", "5"}, {"Content-Length", "6"}}, 11, "Content-Length"},
      {"CL list", {kHost, {"Content-Length", "5, 5"}}, 11, "Content-Length"},
      {"CL signed", {kHost, {"Content-Length", "+5"}}, 11, "Content-Length"},
      {"CL negative", {kHost, {"Content-Length", "-5"}}, 11, "Content-Length"},
      {"CL hexadecimal", {kHost, {"Content-Length", "0x5"}}, 11, "Content-Length"},
      {"CL empty", {kHost, {"Content-Length", ""}}, 11, "Content-Length"},
      {"CL too large", {kHost, {"Content-Length", "18446744073709551616"}}, 11, "Content-Length"},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    const auto framing = check_framing(c.headers, c.version);
    CHECK(framing.has_value() == (c.refused_header == nullptr));
    if (!framing && c.refused_header != nullptr) CHECK(framing.error().field == c.refused_header);
  }
}

TEST_CASE("the framing tells how a body ends") {
  CHECK(check_framing({kHost}, 11)->kind == Framing::Kind::none);
  CHECK(check_framing({kHost, {"Content-Length", "0"}}, 11)->kind == Framing::Kind::none);
  CHECK(check_framing({kHost, {"Content-Length", "7"}}, 11)->content_length == 7);
  CHECK(check_framing({kHost, {"Transfer-Encoding", "chunked"}}, 11)->kind == Framing::Kind::chunked);
}

}  // namespace
}  // namespace ndb::http
