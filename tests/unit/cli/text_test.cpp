#include "cli/text.hpp"

#include "tests/support/catch.hpp"

using namespace ndb::cli;

TEST_CASE("foreign text cannot steer a terminal") {
  CHECK(printable("plain ä 語 🙂") == "plain ä 語 🙂");
  CHECK(printable("a\x1b[2Jb\n\x7f") == "a\\x1b[2Jb\\x0a\\x7f");
  CHECK(printable("\xc2\x9b" "31m") == "\\xc2\\x9b31m");
  CHECK(printable("\xff\xc3") == "\\xff\\xc3");
  CHECK(printable("\xe2\x82") == "\\xe2\\x82");
}

TEST_CASE("amounts are written for people") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(1536) == "1.5 KiB");
  CHECK(human_bytes(5ULL << 30) == "5.0 GiB");
  CHECK(human_duration(7.4) == "0:07");
  CHECK(human_duration(3723) == "1:02:03");
}

TEST_CASE("long text is cut at a character, not inside one") {
  CHECK(shortened("abc", 3) == "abc");
  CHECK(shortened("abcd", 3) == "ab…");
  CHECK(shortened("äöüß", 3) == "äö…");
}

TEST_CASE("tables line up, with numbers to the right") {
  Table table({"NAME", ">N"});
  table.add({"ä", "10"});
  table.add({"long name", "7"});
  CHECK(table.text() == "NAME        N\nä          10\nlong name   7\n");
}
