#include "shared/io/document_lines.hpp"

#include <fmt/format.h>

#include "shared/io/readers.hpp"
#include "shared/payload/json_document.hpp"

namespace ndb::io {
namespace {

constexpr std::size_t kMaxDepth = 66;  // the object around, and a payload at its own limit

Result<DocumentLines::Line> parse(std::string_view text) {
  const auto wrong = [](std::string_view why) { return fail(ErrorCode::invalid_argument, std::string(why)); };
  NDB_TRY_ASSIGN(const auto document, payload::JsonDocument::parse(text, kMaxDepth, "it"));
  if (!document.root().is_object()) return wrong("must be an object such as {\"id\": \"a\", \"payload\": {}}");
  DocumentLines::Line line;
  bool has_id = false;
  const simdjson::dom::object object = document.root().get_object().value_unsafe();
  for (const auto member : object) {
    if (member.key == "id" && member.value.is_string()) {
      line.id = std::string(std::string_view(member.value.get_string().value_unsafe()));
      has_id = true;
    } else if (member.key == "payload" && (member.value.is_object() || member.value.is_null())) {
      line.payload = member.value.is_null() ? std::string() : simdjson::minify(member.value);
    } else {
      return wrong(fmt::format("'{}' is unknown or of the wrong type; there are id, a string, and payload, an object", member.key));
    }
  }
  if (!has_id) return wrong("there is no id");
  return line;
}

}  // namespace

Result<DocumentLines> DocumentLines::open(const std::filesystem::path& path) {
  NDB_TRY_ASSIGN(auto source, ByteSource::open(path));
  return DocumentLines(std::move(source));
}

Result<bool> DocumentLines::read_line(std::string_view& line) {
  NDB_TRY_ASSIGN(const bool more, source_.read_line(line, kMaxLineBytes));
  line_ += more ? 1 : 0;
  return more;
}

Result<bool> DocumentLines::skip() {
  std::string_view line;
  return read_line(line);
}

Result<bool> DocumentLines::next(Line& into) {
  std::string_view line;
  NDB_TRY_ASSIGN(const bool more, read_line(line));
  if (!more) return false;
  auto parsed = parse(line);
  if (!parsed) return source_.refuse(fmt::format("line {}: {}", line_, parsed.error().message));
  into = std::move(*parsed);
  return true;
}

}  // namespace ndb::io
