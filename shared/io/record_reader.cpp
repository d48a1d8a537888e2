#include "shared/io/record_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ndb/collection_config.hpp"
#include "shared/io/readers.hpp"

namespace ndb::io {
namespace {

constexpr std::size_t kMaxBadAtStart = 1'000;       // then this is another kind of file
constexpr std::string_view kBadRecord = "record";   // the field of errors that spoil one record only

}  // namespace

std::unexpected<Error> RecordReader::refuse(std::string_view why) const {
  return source_.refuse(fmt::format("line {}: {}", line_, why));
}

std::unexpected<Error> RecordReader::bad_record_at(std::uint64_t line, std::string_view why) const {
  Error error = source_.refuse(fmt::format("line {}: {}", line, why)).error();
  error.field = kBadRecord;
  return std::unexpected(std::move(error));
}

Status RecordReader::start() {
  while (dim_ == 0) {
    Record record;
    NDB_TRY_ASSIGN(const bool more, read_checked(record));
    if (!more) break;
    ahead_.push_back(std::move(record));
    if (dim_ == 0 && ahead_.size() == kMaxBadAtStart)
      return source_.refuse(fmt::format("none of the first {} records can be used; the first one: {}", kMaxBadAtStart, *ahead_.front().bad));
  }
  if (dim_ == 0 && !ahead_.empty()) return source_.refuse("no record can be used; the first one: " + *ahead_.front().bad);
  return {};
}

Result<bool> RecordReader::read_checked(Record& into) {
  into = {};
  auto more = read(into);
  if (more && !*more) return false;
  into.line = record_line_;
  if (more) {
    auto good = check(into);
    if (good) return true;
    more = std::unexpected(std::move(good).error());
  }
  if (more.error().field != kBadRecord) return more;
  if (bad_ == OnBadRow::fail) return fail(more.error().code, std::move(more).error().message);
  into.bad = std::move(more).error().message;
  into.text = bad_text_;
  return true;
}

// The first good record decides what those after it must have.
Status RecordReader::check(const Record& record) {
  const auto size = record.values.size();
  if (size == 0 || size > Limits::kMaxDim)
    return bad_record_at(record.line, fmt::format("the vector has {} elements; allowed are 1 to {}", size, Limits::kMaxDim));
  const auto bad = std::ranges::find_if_not(record.values, [](float value) { return std::isfinite(value); });
  if (bad != record.values.end()) return bad_record_at(record.line, fmt::format("element {} is beyond float32", bad - record.values.begin()));
  if (dim_ == 0) {
    dim_ = static_cast<std::uint32_t>(size);
    with_ids_ = record.id.has_value();
  }
  if (size != dim_) return bad_record_at(record.line, fmt::format("the vector has {} elements, those before have {}", size, dim_));
  if (record.id.has_value() == with_ids_) return {};
  return bad_record_at(record.line, with_ids_ ? "there is no id, the lines before have one" : "there is an id, the lines before have none");
}

void RecordReader::add(Record& record, Batch& into) const {
  const std::size_t row = into.payloads.size();
  if (record.bad) {
    into.bad.push_back({.row = row, .line = record.line, .why = std::move(*record.bad), .text = std::move(record.text)});
    into.values.resize(into.values.size() + dim_);
    if (with_ids_) into.ids.emplace_back();
    into.payloads.emplace_back();
    return;
  }
  into.values.insert(into.values.end(), record.values.begin(), record.values.end());
  if (with_ids_) into.ids.push_back(std::move(*record.id));
  into.payloads.push_back(std::move(record.payload));
}

Result<bool> RecordReader::next(Batch& into, std::size_t max_rows) {
  into.clear();
  into.dim = dim_;
  into.first_row = done_;
  while (dim_ > 0 && into.payloads.size() < max_rows) {
    Record record;
    if (!ahead_.empty()) {
      record = std::move(ahead_.front());
      ahead_.pop_front();
    } else {
      NDB_TRY_ASSIGN(const bool more, read_checked(record));
      if (!more) break;
    }
    add(record, into);
    ++done_;
  }
  if (std::ranges::all_of(into.payloads, &std::string::empty)) into.payloads.clear();
  return !into.values.empty();
}

Result<std::uint64_t> RecordReader::skip(std::uint64_t rows) {
  std::uint64_t skipped = 0;
  for (; dim_ > 0 && skipped < rows; ++skipped, ++done_) {
    if (!ahead_.empty()) {
      ahead_.pop_front();
      continue;
    }
    const auto more = skip_one();
    if (!more && more.error().field != kBadRecord) return std::unexpected(more.error());
    if (more && !*more) break;
  }
  return skipped;
}

void RecordReader::put_back(std::vector<std::string> lines, std::uint64_t after) {
  again_.insert(again_.begin(), std::make_move_iterator(lines.begin()), std::make_move_iterator(lines.end()));
  line_ = after;
}

Result<bool> RecordReader::read_any_line(std::string_view& line) {
  if (!again_.empty()) {
    line_again_ = std::move(again_.front());
    again_.pop_front();
    line = line_again_;
  } else {
    NDB_TRY_ASSIGN(const bool more, source_.read_line(line, kMaxLineBytes));
    if (!more) return false;
  }
  ++line_;
  if (line_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);  // a byte order mark
  if (line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

Result<bool> RecordReader::read_line(std::string_view& line) {
  for (;;) {
    NDB_TRY_ASSIGN(const bool more, read_any_line(line));
    if (!more || line.find_first_not_of(" \t") != std::string_view::npos) return more;
  }
}

}  // namespace ndb::io
