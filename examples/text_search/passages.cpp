#include "examples/text_search/passages.hpp"

#include <fstream>
#include <sstream>
#include <string_view>

namespace ndb::text_search {
namespace {

// Bytes that a UTF-8 sequence starting with `lead` has; 0 if none can start so.
std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if ((lead & 0xF0U) == 0xE0) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

bool continues(std::string_view text, std::size_t at, std::size_t length) {
  if (at + length > text.size()) return false;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0U) != 0x80) return false;
  // Overlong forms, surrogates, and what lies beyond Unicode.
  if (length == 3) return !(byte(0) == 0xE0 && byte(1) < 0xA0) && !(byte(0) == 0xED && byte(1) > 0x9F);
  if (length == 4) return !(byte(0) == 0xF0 && byte(1) < 0x90) && !(byte(0) == 0xF4 && byte(1) > 0x8F);
  return true;
}

// One line with single blanks, and '?' for every byte that is not UTF-8. At most kMaxPassageBytes, whole characters.
std::string tidy_line(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size();) {
    const std::size_t length = sequence_length(static_cast<unsigned char>(line[i]));
    if (length == 0 || !continues(line, i, length)) {
      text += '?';
      ++i;
      continue;
    }
    if (text.size() + length > kMaxPassageBytes) break;
    const bool blank = length == 1 && static_cast<unsigned char>(line[i]) <= 0x20;
    if (!blank) text.append(line.substr(i, length));
    else if (!text.empty() && text.back() != ' ') text += ' ';
    i += length;
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

void append_line(std::vector<Passage>& passages, bool fresh, const std::string& file, std::size_t number, std::string line) {
  if (fresh || passages.back().text.size() + 1 + line.size() > kMaxPassageBytes) {
    passages.push_back({file, number, std::move(line)});
  } else {
    passages.back().text += ' ' + line;
  }
}

}  // namespace

Result<std::vector<Passage>> read_passages(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream || std::filesystem::is_directory(file)) return fail(ErrorCode::not_found, "cannot read " + file.string());
  std::vector<Passage> passages;
  bool fresh = true;  // the next line begins a passage
  std::string raw;
  for (std::size_t number = 1; std::getline(stream, raw); ++number) {
    if (raw.find('\0') != std::string::npos) return std::vector<Passage>{};
    std::string line = tidy_line(raw);
    const bool blank = line.empty();
    if (!blank) append_line(passages, fresh, file.string(), number, std::move(line));
    fresh = blank;
  }
  if (stream.bad()) return fail(ErrorCode::io_error, "cannot read on in " + file.string());
  return passages;
}

}  // namespace ndb::text_search
