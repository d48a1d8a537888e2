// CSV as RFC 4180 has it: commas, quotes that are doubled inside quotes, line ends inside quotes.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "ndb/collection_config.hpp"
#include "shared/io/numbers.hpp"
#include "shared/io/readers.hpp"
#include "shared/io/record_reader.hpp"
#include "shared/payload/json_document.hpp"

namespace ndb::io {
namespace {

namespace dom = simdjson::dom;

enum class Role { element, id, payload, vector };

std::string_view trimmed(std::string_view text) {
  const auto start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

/// NaN if it is beyond float32; false if it is no decimal number.
bool parse_float(std::string_view text, float& into) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return false;  // also "nan" and "inf"
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty() || error == std::errc::invalid_argument) return false;
  into = error == std::errc() ? to_float(value) : std::numeric_limits<float>::quiet_NaN();
  return true;
}

class CsvReader final : public RecordReader {
 public:
  using RecordReader::RecordReader;

 protected:
  Result<bool> read(Record& into) override {
    NDB_TRY_ASSIGN(bool more, read_cells());
    if (more && roles_.empty()) {
      NDB_TRY_ASSIGN(const bool is_header, choose_roles());
      if (is_header) {
        NDB_TRY_ASSIGN(more, read_cells());
      }
    }
    if (!more) return false;
    if (cells_.size() != roles_.size())
      return bad_record_at(record_line_, fmt::format("there are {} columns, the lines before have {}", cells_.size(), roles_.size()));
    for (std::size_t i = 0; i < cells_.size(); ++i) NDB_TRY(read_cell(i, into));
    return true;
  }
  Result<bool> skip_one() override { return read_cells(); }

 private:
  /// Splits the next record, which ends at a line end outside quotes. Of one whose quotes are wrong only the first line is spoilt: what follows
  /// it is read again by itself, so that one stray quote does not swallow the records up to the next one.
  Result<bool> read_cells() {
    std::string_view line;
    NDB_TRY_ASSIGN(const bool more, read_line(line));
    if (!more) return false;
    record_line_ = line_;
    record_.assign(line);
    std::vector<std::string> rest;
    auto quotes = std::ranges::count(line, '"');
    bool closed = quotes % 2 == 0;
    while (!closed && record_.size() <= kMaxLineBytes) {
      NDB_TRY_ASSIGN(const bool goes_on, read_any_line(line));
      if (!goes_on) break;
      rest.emplace_back(line);
      quotes += std::ranges::count(line, '"');
      closed = quotes % 2 == 0;
      record_.append("\n").append(line);
    }
    bad_text_ = record_;
    if (const auto split = closed ? split_record() : bad_record_at(record_line_, "a quote is not closed"); !split) {
      bad_text_ = record_.substr(0, record_.find('\n'));
      put_back(std::move(rest), record_line_);
      return std::unexpected(split.error());
    }
    return true;
  }

  Status split_record() {
    cells_.clear();
    std::string_view rest = record_;
    for (bool more = true; more;) {
      std::string cell;
      if (rest.starts_with('"')) {
        NDB_TRY(split_quoted(rest, cell));
      } else {
        cell = rest.substr(0, rest.find(','));
        if (cell.find('"') != std::string::npos) return bad_record_at(record_line_, "a quote is inside a value without quotes");
        rest.remove_prefix(cell.size());
      }
      cells_.push_back(std::move(cell));
      more = rest.starts_with(',');
      if (more) rest.remove_prefix(1);
      if (cells_.size() > Limits::kMaxDim + 2) return bad_record_at(record_line_, "there are too many columns");
    }
    return {};
  }

  /// Takes a value in quotes off the front of `rest`.
  Status split_quoted(std::string_view& rest, std::string& cell) const {
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (rest[i] != '"') {
        cell += rest[i];
      } else if (i + 1 < rest.size() && rest[i + 1] == '"') {
        cell += rest[i++];
      } else {
        rest.remove_prefix(i + 1);
        if (rest.empty() || rest.front() == ',') return {};
        return bad_record_at(record_line_, "something follows a closing quote");
      }
    }
    return bad_record_at(record_line_, "a quote is not closed");
  }

  /// From the first record; true if that is a header, not data: its last column is no number.
  Result<bool> choose_roles() {
    float number = 0;
    if (parse_float(cells_.back(), number)) {
      roles_.assign(cells_.size(), Role::element);
      if (!parse_float(cells_.front(), number)) roles_.front() = Role::id;
      return false;
    }
    bool vector = false;
    for (const auto& cell : cells_) {
      const auto name = trimmed(cell);
      if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
        return refuse("is no text; is this a CSV file?");
      const Role role = name == "id" ? Role::id : name == "payload" ? Role::payload : name == "vector" ? Role::vector : Role::element;
      if (role != Role::element && std::ranges::find(roles_, role) != roles_.end())
        return refuse(fmt::format("the column '{}' is there twice", name));
      vector = vector || role == Role::vector;
      roles_.push_back(role);
    }
    const auto element = std::ranges::find(roles_, Role::element);
    if (vector && element != roles_.end())
      return refuse(fmt::format("unknown column '{}'; beside 'vector' there are 'id' and 'payload'",
                                trimmed(cells_[static_cast<std::size_t>(element - roles_.begin())])));
    if (!vector && element == roles_.end()) return refuse("there is no column with a vector");
    return true;
  }

  Status read_cell(std::size_t column, Record& into) {
    const std::string& cell = cells_[column];
    switch (roles_[column]) {
      case Role::id: into.id = cell; return {};
      case Role::payload: into.payload = std::string(trimmed(cell)); return {};
      case Role::vector: return read_vector(cell, into);
      case Role::element: break;
    }
    float value = 0;
    if (!parse_float(cell, value)) return bad_record_at(record_line_, fmt::format("column {} is no number: '{}'", column + 1, cell.substr(0, 40)));
    into.values.push_back(value);
    return {};
  }

  Status read_vector(const std::string& cell, Record& into) const {
    auto document = payload::JsonDocument::parse(cell, 1, "the vector");
    if (!document) return bad_record_at(record_line_, document.error().message);
    if (!document->root().is_array()) return bad_record_at(record_line_, "the vector must be an array of numbers");
    const dom::array array = document->root().get_array().value_unsafe();
    for (const auto item : array) {
      double value = 0;
      if (item.get_double().get(value) != simdjson::SUCCESS)
        return bad_record_at(record_line_, fmt::format("element {} of the vector is no number", into.values.size()));
      into.values.push_back(to_float(value));
    }
    return {};
  }

  std::vector<Role> roles_;  // by column; empty until the first record
  std::vector<std::string> cells_;
  std::string record_;
};

}  // namespace

Result<std::unique_ptr<VectorReader>> open_csv(ByteSource source, OnBadRow bad) {
  auto reader = std::make_unique<CsvReader>(std::move(source), bad);
  NDB_TRY(reader->start());
  return reader;
}

}  // namespace ndb::io
