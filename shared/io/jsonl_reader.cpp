#include <fmt/format.h>

#include "ndb/collection_config.hpp"
#include "shared/io/numbers.hpp"
#include "shared/io/readers.hpp"
#include "shared/io/record_reader.hpp"
#include "shared/payload/json_document.hpp"

namespace ndb::io {
namespace {

namespace dom = simdjson::dom;
constexpr std::size_t kMaxJsonDepth = 66;  // of a line: the object around, and a payload at its own limit

class JsonlReader final : public RecordReader {
 public:
  using RecordReader::RecordReader;

 protected:
  Result<bool> read(Record& into) override {
    std::string_view line;
    NDB_TRY_ASSIGN(const bool more, read_line(line));
    if (!more) return false;
    record_line_ = line_;
    bad_text_ = line;
    auto document = payload::JsonDocument::parse(line, kMaxJsonDepth, "it");
    if (!document) return bad_record(document.error().message);
    if (!document->root().is_object()) return bad_record("must be an object such as {\"id\": \"a\", \"vector\": [0.1, 0.2], \"payload\": {}}");
    NDB_TRY(read_members(document->root().get_object().value_unsafe(), into));
    return true;
  }
  Result<bool> skip_one() override {
    std::string_view line;
    return read_line(line);
  }

 private:
  Status read_members(const dom::object& object, Record& into) {
    unsigned seen = 0;
    for (const auto member : object) {
      unsigned bit = 0;
      if (member.key == "id") {
        bit = 1;
        NDB_TRY(read_id(member.value, into));
      } else if (member.key == "vector") {
        bit = 2;
        NDB_TRY(read_vector(member.value, into));
      } else if (member.key == "payload") {
        bit = 4;
        NDB_TRY(read_payload(member.value, into));
      } else {
        return bad_record(fmt::format("unknown field '{}'; there are id, vector and payload", member.key));
      }
      if ((seen & bit) != 0) return bad_record(fmt::format("'{}' is given twice", member.key));
      seen |= bit;
    }
    if ((seen & 2U) == 0) return bad_record("there is no vector");
    return {};
  }

  Status read_id(const dom::element& element, Record& into) const {
    switch (element.type()) {
      case dom::element_type::STRING: into.id = std::string(std::string_view(element.get_string().value_unsafe())); return {};
      case dom::element_type::INT64: into.id = std::to_string(element.get_int64().value_unsafe()); return {};
      case dom::element_type::UINT64: into.id = std::to_string(element.get_uint64().value_unsafe()); return {};
      default: return bad_record("the id must be a string, or an integer");
    }
  }

  Status read_vector(const dom::element& element, Record& into) const {
    if (!element.is_array()) return bad_record("the vector must be an array of numbers");
    const dom::array array = element.get_array().value_unsafe();
    for (const auto item : array) {
      double value = 0;
      if (item.get_double().get(value) != simdjson::SUCCESS)
        return bad_record(fmt::format("element {} of the vector is no number", into.values.size()));
      if (into.values.size() == Limits::kMaxDim) return bad_record(fmt::format("the vector has more than {} elements", Limits::kMaxDim));
      into.values.push_back(to_float(value));
    }
    return {};
  }

  Status read_payload(const dom::element& element, Record& into) const {
    if (element.is_null()) return {};
    if (!element.is_object()) return bad_record("the payload must be an object");
    into.payload = simdjson::minify(element);
    return {};
  }
};

}  // namespace

Result<std::unique_ptr<VectorReader>> open_jsonl(ByteSource source, OnBadRow bad) {
  auto reader = std::make_unique<JsonlReader>(std::move(source), bad);
  NDB_TRY(reader->start());
  return reader;
}

}  // namespace ndb::io
