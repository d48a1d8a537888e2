#include "shared/io/npy_header.hpp"

#include <fmt/format.h>

#include <charconv>

#include "shared/base/result.hpp"

namespace ndb::io {
namespace {

constexpr std::size_t kMaxAxes = 32;  // as numpy has it

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<NpyHeader> parse() {
    NpyHeader header;
    NDB_TRY(expect('{'));
    while (!accept('}')) {
      NDB_TRY_ASSIGN(const auto key, quoted());
      NDB_TRY(expect(':'));
      NDB_TRY(parse_value(key, header));
      if (!accept(',')) {
        NDB_TRY(expect('}'));
        break;
      }
    }
    skip_space();
    if (!text_.empty()) return refuse("has something after the dictionary");
    if (seen_ != 7) return refuse("needs each of 'descr', 'fortran_order' and 'shape'");
    return header;
  }

 private:
  Status parse_value(std::string_view key, NpyHeader& header) {
    unsigned bit = 0;
    if (key == "descr") {
      bit = 1;
      NDB_TRY_ASSIGN(header.descr, quoted());
    } else if (key == "fortran_order") {
      bit = 2;
      skip_space();
      header.fortran_order = text_.starts_with("True");
      if (!header.fortran_order && !text_.starts_with("False")) return refuse("has a 'fortran_order' that is no bool");
      text_.remove_prefix(header.fortran_order ? 4 : 5);
    } else if (key == "shape") {
      bit = 4;
      NDB_TRY(parse_shape(header.shape));
    } else {
      return refuse(fmt::format("has the unknown key '{}'", key));
    }
    if ((seen_ & bit) != 0) return refuse(fmt::format("has '{}' twice", key));
    seen_ |= bit;
    return {};
  }

  Status parse_shape(std::vector<std::uint64_t>& shape) {
    NDB_TRY(expect('('));
    while (!accept(')')) {
      skip_space();
      std::uint64_t axis = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), axis);
      if (error != std::errc() || shape.size() == kMaxAxes) return refuse("has a 'shape' that is wrong");
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      shape.push_back(axis);
      if (!accept(',')) {
        NDB_TRY(expect(')'));
        break;
      }
    }
    return {};
  }

  Result<std::string> quoted() {
    skip_space();
    const char quote = text_.empty() ? '\0' : text_.front();
    const auto end = quote == '\'' || quote == '"' ? text_.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos || end > 64) return refuse("lacks a short text in quotes where one belongs");
    std::string inside(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return inside;
  }

  void skip_space() {
    const auto start = text_.find_first_not_of(" \t\n");
    text_.remove_prefix(start == std::string_view::npos ? text_.size() : start);
  }
  bool accept(char c) {
    skip_space();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  Status expect(char c) {
    if (accept(c)) return {};
    return refuse(fmt::format("lacks a '{}' where one belongs", c));
  }
  static std::unexpected<Error> refuse(std::string_view why) {
    return fail(ErrorCode::invalid_argument, fmt::format("the header {}", why));
  }

  std::string_view text_;
  unsigned seen_ = 0;
};

}  // namespace

Result<NpyHeader> parse_npy_header(std::string_view text) { return Parser(text).parse(); }

}  // namespace ndb::io
