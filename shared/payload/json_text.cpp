#include "shared/payload/json_text.hpp"

#include <array>
#include <charconv>

namespace ndb::payload {
namespace {

template <class T>
std::string_view to_text(T number, std::array<char, 40>& buffer) {
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

void append_escaped(std::string& to, char c) {
  switch (c) {
    case '"': to += "\\\""; return;
    case '\\': to += "\\\\"; return;
    case '\n': to += "\\n"; return;
    case '\r': to += "\\r"; return;
    case '\t': to += "\\t"; return;
    case '\b': to += "\\b"; return;
    case '\f': to += "\\f"; return;
    default: break;
  }
  constexpr std::string_view hex = "0123456789abcdef";
  const auto code = static_cast<unsigned char>(c);
  to += "\\u00";
  to += hex[code >> 4U];
  to += hex[code & 15U];
}

}  // namespace

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    to.append(text, plain, i - plain);
    append_escaped(to, c);
    plain = i + 1;
  }
  to.append(text, plain);
  to += '"';
}

void append_json_number(std::string& to, double number) {
  std::array<char, 40> buffer{};
  const std::string_view text = to_text(number, buffer);
  to += text;
  if (text.find_first_of(".e") == std::string_view::npos) to += ".0";
}

void append_json_number(std::string& to, std::int64_t number) {
  std::array<char, 40> buffer{};
  to += to_text(number, buffer);
}

void append_json_number(std::string& to, std::uint64_t number) {
  std::array<char, 40> buffer{};
  to += to_text(number, buffer);
}

std::string json_list(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const auto& text : texts) {
    if (list.size() > 1) list += ',';
    append_json_string(list, text);
  }
  return list + "]";
}

}  // namespace ndb::payload
