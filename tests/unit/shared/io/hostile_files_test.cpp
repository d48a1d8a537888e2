// Files that lie, are cut off, or are something else.
#include <random>

#include "tests/unit/shared/io/files.hpp"

using namespace files;

namespace {

/// Opens and reads a file of arbitrary bytes; what it says is not of interest, only that it says something.
void survive(const std::string& name, const std::string& content) {
  const File file(name, content);
  auto reader = ndb::io::VectorReader::open(file.path());
  if (!reader) return;
  ndb::io::Batch batch;
  for (int i = 0; i < 1000; ++i) {
    const auto more = (*reader)->next(batch, 16);
    if (!more || !*more) return;
    REQUIRE(batch.size() <= 16);
    REQUIRE(batch.values.size() == batch.size() * batch.dim);
  }
}

}  // namespace

TEST_CASE("an npy header that lies about the shape is refused before memory is taken") {
  const std::string data = raw<float>({1, 2, 3, 4});
  CHECK(values_of("a.npy", npy_f4("(2, 2)", data)).size() == 4);
  for (const char* shape : {"(3, 2)", "(1, 2)", "(2, 3)", "(18446744073709551615, 2)", "(4611686018427387905, 4)",
                            "(9223372036854775808, 2)", "(2305843009213693953, 8)", "(0, 2)"}) {
    CAPTURE(shape);
    CHECK(error_of("a.npy", npy_f4(shape, data)).starts_with("F: is cut off or has bytes left over"));
  }
  for (const char* shape : {"(4,)", "()", "(1, 2, 2)"}) {
    CAPTURE(shape);
    CHECK(error_of("a.npy", npy_f4(shape, data)).find("axes; it must have two") != std::string::npos);
  }
  for (const char* shape : {"(2, 0)", "(2, 65537)", "(0, 18446744073709551615)"})
    CHECK(error_of("a.npy", npy_f4(shape, data)).find("allowed are 1 to 65536") != std::string::npos);
  for (const char* shape : {"(2, 18446744073709551616)", "(-1, 2)", "(2 2)", "(2, 2", "2, 2", "(a, 2)"}) {
    CAPTURE(shape);
    CHECK(error_of("a.npy", npy_f4(shape, data)).starts_with("F: the header "));
  }
}

TEST_CASE("npy headers that are wrong are refused") {
  const std::string data = raw<float>({1, 2, 3, 4});
  for (const char* header :
       {"", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), 'x': 1}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 2)}", "{'descr': <f4, 'fortran_order': False, 'shape': (2, 2)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)} 1", "{'descr': '<f4' 'fortran_order': False}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 2)}"}) {
    CAPTURE(header);
    CHECK(error_of("a.npy", npy(header, data)).starts_with("F: the header "));
  }
  for (const char* type : {">f4", "<i8", "|O", "<U4", "<c8", "|b1"})
    CHECK(error_of("a.npy", npy(std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (2, 2)}", data))
              .find("astype('float32')") != std::string::npos);
  CHECK(error_of("a.npy", npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2)}", data)).find("Fortran") != std::string::npos);
  CHECK(error_of("a.npy", npy("{}", data, 9)).find("version 9") != std::string::npos);
  CHECK(error_of("a.npy", "\x93NUMPY\x02" + std::string("\0\xff\xff\xff\x7f", 5)).find("has a header of") != std::string::npos);
}

TEST_CASE("a file that is cut off anywhere is refused") {
  const std::string whole = npy_f4("(2, 2)", raw<float>({1, 2, 3, 4}));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(error_of("a.npy", whole.substr(0, length)) != "");
  }
  const std::string vecs = raw<std::int32_t>({2}) + raw<float>({1, 2}) + raw<std::int32_t>({2}) + raw<float>({3, 4});
  for (std::size_t length = 1; length < vecs.size(); ++length)
    if (length != vecs.size() / 2) CHECK(error_of("a.fvecs", vecs.substr(0, length)).find("cut off") != std::string::npos);
}

TEST_CASE("vecs files with a wrong dimension are refused") {
  for (const std::int32_t dim : {0, -1, 65'537, INT32_MIN, INT32_MAX})
    CHECK(error_of("a.fvecs", raw<std::int32_t>({dim, 0})).find("allowed are 1 to 65536") != std::string::npos);
  CHECK(error_of("a.fvecs", raw<std::int32_t>({1, 0, 2, 0})) == "F: row 2 at offset 8 has 2 elements, the rows before have 1");
}

TEST_CASE("foreign files are refused by what they are") {
  const std::string zip = "PK\x03\x04 and so on, long enough";
  CHECK(error_of("a.npy", zip).find("no .npy file") != std::string::npos);
  CHECK(error_of("a.jsonl", zip).starts_with("F: line 1: "));
  CHECK(error_of("a.csv", zip).starts_with("F: line 1: "));
  CHECK(error_of("a.parquet", "PAR1").find("unknown kind of file") != std::string::npos);
  CHECK(error_of("noextension", "x").find("unknown kind of file") != std::string::npos);
  const auto missing = ndb::io::VectorReader::open("/nonexistent/a.npy");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ndb::ErrorCode::not_found);
  CHECK_FALSE(ndb::io::VectorReader::open("/tmp"));
}

TEST_CASE("huge lines are refused with bounded memory") {
  const std::string huge(9ULL << 20, '1');
  CHECK(error_of("a.jsonl", huge).find("longer than 8388608 bytes") != std::string::npos);
  CHECK(error_of("a.csv", huge).find("longer than 8388608 bytes") != std::string::npos);
  std::string open_quote = "\"";
  while (open_quote.size() < (9ULL << 20)) open_quote += "a\n";
  CHECK(error_of("a.csv", open_quote) == "F: line 1: a quote is not closed");
  std::string wide = "1";
  for (int i = 0; i < 70'000; ++i) wide += ",1";
  CHECK(error_of("a.csv", wide) != "");
  CHECK(error_of("a.jsonl", "{\"vector\":[" + wide + "]}").find("more than 65536 elements") != std::string::npos);
}

TEST_CASE("random damage is survived") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<std::pair<std::string, std::string>> good{
      {"a.npy", npy_f4("(2, 2)", raw<float>({1, 2, 3, 4}))},
      {"a.fvecs", raw<std::int32_t>({1}) + raw<float>({1}) + raw<std::int32_t>({1}) + raw<float>({3})},
      {"a.bvecs", raw<std::int32_t>({1}) + "a" + raw<std::int32_t>({1}) + "b"},
      {"a.jsonl", "{\"id\":\"a\",\"vector\":[1,2],\"payload\":{\"x\":[1]}}\n{\"id\":\"b\",\"vector\":[3,4]}\n"},
      {"a.csv", "id,payload,vector\r\na,\"{\"\"x\"\":1}\",\"[1,2]\"\r\nb,,\"[3,4]\"\r\n"}};
  for (int round = 0; round < 100; ++round)
    for (const auto& [name, content] : good) {
      std::string bad = content;
      for (unsigned i = 0, count = 1 + random() % 4; i < count; ++i) {
        const auto at = random() % bad.size();
        switch (random() % 3) {
          case 0: bad[at] = static_cast<char>(random()); break;
          case 1: bad.insert(at, 1, static_cast<char>(random())); break;
          default: bad.erase(at, 1 + random() % 3); break;
        }
        if (bad.empty()) bad.push_back('x');
      }
      survive(name, bad);
    }
}
