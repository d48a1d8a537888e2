#include <algorithm>
#include <cstring>

#include "shared/io/byte_source.hpp"
#include "tests/unit/shared/io/files.hpp"

using namespace files;
using Floats = std::vector<float>;
using Texts = std::vector<std::string>;

namespace {

ndb::io::Batch read(const std::string& name, const std::string& content) {
  const File file(name, content);
  auto all = read_all(file.path());
  if (!all) FAIL(all.error().message);
  return *all;
}

}  // namespace

TEST_CASE("jsonl files are read with ids and payloads") {
  const auto all = read("a.jsonl",
                        "{\"id\":\"a\",\"vector\":[1,2.5],\"payload\":{\"x\":3.0, \"y\":[1,null]}}\r\n\n"
                        "{\"vector\":[-3,4e0],\"id\":7}\n{\"id\":\"c\",\"vector\":[1e-60,0],\"payload\":null}");
  CHECK(all.dim == 2);
  CHECK(all.values == Floats{1, 2.5F, -3, 4, 0, 0});
  CHECK(all.ids == Texts{"a", "7", "c"});
  CHECK(all.payloads == Texts{R"({"x":3.0,"y":[1,null]})", "", ""});
  CHECK(read("a.ndjson", "{\"vector\":[1]}\n{\"vector\":[2]}\n{\"vector\":[3]}\n").values == Floats{1, 2, 3});
  CHECK(read("a.jsonl", "{\"vector\":[1]}\n").ids.empty());
  CHECK(read("a.jsonl", "").dim == 0);
}

TEST_CASE("a wrong line of jsonl is named") {
  const std::string good = "{\"id\":\"a\",\"vector\":[1,2]}\n\n";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"{\"id\":\"b\",\"vector\":[1]}", "the vector has 1 elements, those before have 2"},
      {"{\"vector\":[1,2]}", "there is no id, the lines before have one"},
      {"{\"id\":\"b\"}", "there is no vector"},
      {"{\"id\":\"b\",\"vector\":[1,\"2\"]}", "element 1 of the vector is no number"},
      {"{\"id\":\"b\",\"vector\":[1,1e39]}", "element 1 is beyond float32"},
      {"{\"id\":\"b\",\"vector\":{}}", "the vector must be an array of numbers"},
      {"{\"id\":1.5,\"vector\":[1,2]}", "the id must be a string, or an integer"},
      {"{\"id\":\"b\",\"vector\":[1,2],\"payload\":[]}", "the payload must be an object"},
      {"{\"id\":\"b\",\"vector\":[1,2],\"meta\":{}}", "unknown field 'meta'; there are id, vector and payload"},
      {"{\"id\":\"b\",\"id\":\"c\",\"vector\":[1,2]}", "'id' is given twice"},
      {"{\"id\":\"b\",\"vector\":[1,NaN]}", "it is no valid JSON: the syntax is wrong"},
      {"[1,2]", "must be an object such as"},
      {"{\"id\":\"b\",\"vector\":[1,2]", "it is no valid JSON"},
  };
  for (const auto& [line, why] : cases) {
    CAPTURE(line);
    CHECK(error_of("a.jsonl", good + line + "\n").starts_with("F: line 3: " + why));
  }
  CHECK(error_of("a.jsonl", "{\"vector\":[]}").starts_with("F: line 1: the vector has 0 elements"));
}

TEST_CASE("csv files without a header are rows of numbers, the first of which may be an id") {
  CHECK(read("a.csv", "1, 2.5,+3\n-4,5e1,.5\n").values == Floats{1, 2.5F, 3, -4, 50, 0.5F});
  const auto with_ids = read("a.csv", "doc1,1,2\r\n\"d,2\",3,4\r\n");
  CHECK(with_ids.values == Floats{1, 2, 3, 4});
  CHECK(with_ids.ids == Texts{"doc1", "d,2"});
}

TEST_CASE("csv files with a header have named columns") {
  const auto all = read("a.csv",
                        "\xef\xbb\xbfid,v0,v1,payload\n1,0.5,2,\"{\"\"a\"\":\"\"x\ny\"\"}\"\n2,3,4,\n");
  CHECK(all.ids == Texts{"1", "2"});
  CHECK(all.values == Floats{0.5F, 2, 3, 4});
  CHECK(all.payloads == Texts{"{\"a\":\"x\ny\"}", ""});
  const auto arrays = read("a.csv", "vector,id\n\"[1, 2]\",a\n\"[3, 4]\",b\n");
  CHECK(arrays.values == Floats{1, 2, 3, 4});
  CHECK(arrays.ids == Texts{"a", "b"});
  CHECK(read("a.csv", "a,b\n1,2\n").values == Floats{1, 2});
  CHECK(read("a.csv", "a,b\n").dim == 0);
}

TEST_CASE("a wrong line of csv is named") {
  CHECK(error_of("a.csv", "1,2\n3\n") == "F: line 2: there are 1 columns, the lines before have 2");
  CHECK(error_of("a.csv", "1,2\n3,x\n") == "F: line 2: column 2 is no number: 'x'");
  CHECK(error_of("a.csv", "1,2\n3,\n") == "F: line 2: column 2 is no number: ''");
  CHECK(error_of("a.csv", "1,2\n3,nan\n") == "F: line 2: column 2 is no number: 'nan'");
  CHECK(error_of("a.csv", "1,2\n3,0x10\n") == "F: line 2: column 2 is no number: '0x10'");
  CHECK(error_of("a.csv", "1,2\n3,1e39\n") == "F: line 2: element 1 is beyond float32");
  CHECK(error_of("a.csv", "1,2\n3,1e999\n") == "F: line 2: element 1 is beyond float32");
  CHECK(error_of("a.csv", "id,title,vector\na,b,\"[1]\"\n").find("unknown column 'title'") != std::string::npos);
  CHECK(error_of("a.csv", "id,id,v\n").find("'id' is there twice") != std::string::npos);
  CHECK(error_of("a.csv", "id,payload\n").find("no column with a vector") != std::string::npos);
  CHECK(error_of("a.csv", "a,b\n\"1\"x,2\n").find("something follows a closing quote") != std::string::npos);
  CHECK(error_of("a.csv", "a,b\n1\"2\",2\n").find("a quote is inside") != std::string::npos);
  CHECK(error_of("a.csv", "id,vector\na,\"[1,[2]]\"\n").starts_with("F: line 2: "));
  CHECK(error_of("a.csv", "id,vector\na,\"{}\"\n").starts_with("F: line 2: "));
}

TEST_CASE("a reader that keeps going marks what is wrong and reads on behind it") {
  const auto bad_of = [](const std::string& name, const std::string& content, std::size_t rows) {
    const File file(name, content);
    auto reader = ndb::io::VectorReader::open(file.path(), ndb::io::OnBadRow::keep_going);
    REQUIRE(reader);
    ndb::io::Batch batch;
    std::vector<std::string> bad;
    std::size_t seen = 0;
    for (;;) {
      const auto more = (*reader)->next(batch, 3);
      REQUIRE(more);
      if (!*more) break;
      for (const auto& row : batch.bad) bad.push_back(std::to_string(seen + row.row) + "@" + std::to_string(row.line) + ": " + row.text);
      seen += batch.size();
    }
    CHECK(seen == rows);
    return bad;
  };
  CHECK(bad_of("a.jsonl", "nothing\n{\"vector\":[1,2]}\n{\"vector\":[1]}\n{\"vector\":[1,1e39]}\n{\"vector\":[3,4]}\n", 5) ==
        Texts{"0@1: nothing", "2@3: {\"vector\":[1]}", "3@4: {\"vector\":[1,1e39]}"});
  CHECK(bad_of("a.csv", "1,2\n3,x\n5,6\n", 3) == Texts{"1@2: 3,x"});
  // One stray quote spoils its own line, not those up to the next one.
  CHECK(bad_of("a.csv", "id,payload,vector\na,,\"[1]\"\nb,\"x,\"[1]\"\nc,,\"[2]\"\nd,\"y,\"[1]\"\ne,,\"[3]\"\n", 5) ==
        Texts{"1@3: b,\"x,\"[1]\"", "3@5: d,\"y,\"[1]\""});
  CHECK(bad_of("a.csv", "id,payload,vector\na,\"{\n}\",\"[1]\"\nb,\"\n\n\",\"[1,2]\"\nc,,\"[2]\"\n", 3) == Texts{"1@4: b,\"\n\n\",\"[1,2]\""});
}

TEST_CASE("rows can be left out without being read, in every format") {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"a.npy", npy_f4("(4, 1)", raw<float>({1, 2, 3, 4}))},
      {"a.fvecs", raw<std::int32_t>({1}) + raw<float>({1}) + raw<std::int32_t>({1}) + raw<float>({2}) + raw<std::int32_t>({1}) + raw<float>({3}) +
                      raw<std::int32_t>({1}) + raw<float>({4})},
      {"a.jsonl", "{\"vector\":[1]}\n\n{\"vector\":[2]}\n{\"vector\":[3]}\n{\"vector\":[4]}\n"},
      {"a.csv", "v,id\n1,\"a\nb\"\n2,b\n3,c\n4,d\n"}};
  for (const auto& [name, content] : files)
    for (std::uint64_t rows = 0; rows <= 5; ++rows) {
      CAPTURE(name, rows);
      const File file(name, content);
      auto reader = ndb::io::VectorReader::open(file.path());
      REQUIRE(reader);
      CHECK((*reader)->skip(rows) == std::min<std::uint64_t>(rows, 4));
      ndb::io::Batch batch;
      const auto more = (*reader)->next(batch, 10);
      REQUIRE(more);
      CHECK(*more == (rows < 4));
      if (!*more) continue;
      CHECK(batch.first_row == rows);
      CHECK(batch.values.front() == static_cast<float>(rows + 1));
      CHECK(batch.size() == 4 - rows);
    }
}

TEST_CASE("a pipe is read to its end, whatever its pieces are") {
  class Pipe final : public ndb::fs::File {
   public:
    explicit Pipe(std::string content) : content_(std::move(content)) {}
    ndb::Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
      const auto part = std::min<std::size_t>({into.size(), 3, content_.size() - static_cast<std::size_t>(offset)});
      std::memcpy(into.data(), content_.data() + offset, part);
      return part;
    }
    ndb::Status append(ndb::base::ByteSpan) override { return {}; }
    ndb::Status write_at(std::uint64_t, ndb::base::ByteSpan) override { return {}; }
    ndb::Status sync() override { return {}; }
    ndb::Result<std::uint64_t> size() override { return 0; }

   private:
    std::string content_;
  };
  const auto read_pipe = [](const std::string& format, const std::string& content) -> ndb::Result<Floats> {
    auto reader = ndb::io::VectorReader::open(ndb::io::ByteSource::stream("pipe", std::make_unique<Pipe>(content)), format);
    if (!reader) return std::unexpected(reader.error());
    ndb::io::Batch batch;
    Floats values;
    for (;;) {
      const auto more = (*reader)->next(batch, 2);
      if (!more) return std::unexpected(more.error());
      if (!*more) return values;
      values.insert(values.end(), batch.values.begin(), batch.values.end());
    }
  };
  const Floats three = {1, 2, 3};
  const auto rows = npy_f4("(3, 1)", raw<float>({1, 2, 3}));
  CHECK(read_pipe("npy", rows) == three);
  CHECK(read_pipe("npy", rows.substr(0, rows.size() - 1)).error().message.find("is cut off") != std::string::npos);
  CHECK(read_pipe("npy", rows + "x").error().message.find("bytes left over") != std::string::npos);
  CHECK_FALSE(read_pipe("npy", npy_f4("(18446744073709551615, 1)", "")));
  const auto vecs = raw<std::int32_t>({1}) + raw<float>({1}) + raw<std::int32_t>({1}) + raw<float>({2}) + raw<std::int32_t>({1}) + raw<float>({3});
  CHECK(read_pipe("fvecs", vecs) == three);
  CHECK_FALSE(read_pipe("fvecs", vecs + "x"));
  CHECK(read_pipe("jsonl", "{\"vector\":[1]}\n{\"vector\":[2]}\n{\"vector\":[3]}") == three);
  CHECK(read_pipe("csv", "1\n2\n3\n") == three);
  CHECK(read_pipe("csv", "")->empty());
  CHECK(read_pipe("npz", rows).error().message.find("cannot be read through a pipe") != std::string::npos);
}
