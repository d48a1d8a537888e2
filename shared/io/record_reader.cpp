#include "shared/io/record_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ndb/collection_config.hpp"
#include "shared/io/readers.hpp"

namespace ndb::io {

std::unexpected<Error> RecordReader::refuse_at(std::uint64_t line, std::string_view why) const {
  return source_.refuse(fmt::format("line {}: {}", line, why));
}

Status RecordReader::start() {
  NDB_TRY_ASSIGN(has_ahead_, read(ahead_));
  if (!has_ahead_) return {};
  if (ahead_.values.empty() || ahead_.values.size() > Limits::kMaxDim)
    return refuse_at(ahead_.line, fmt::format("the vector has {} elements; allowed are 1 to {}", ahead_.values.size(), Limits::kMaxDim));
  dim_ = static_cast<std::uint32_t>(ahead_.values.size());
  with_ids_ = ahead_.id.has_value();
  return check(ahead_);
}

Status RecordReader::check(const Record& record) const {
  if (record.values.size() != dim_)
    return refuse_at(record.line, fmt::format("the vector has {} elements, those before have {}", record.values.size(), dim_));
  if (record.id.has_value() != with_ids_)
    return refuse_at(record.line, with_ids_ ? "there is no id, the lines before have one" : "there is an id, the lines before have none");
  const auto bad = std::ranges::find_if_not(record.values, [](float value) { return std::isfinite(value); });
  if (bad == record.values.end()) return {};
  return refuse_at(record.line, fmt::format("element {} is beyond float32", bad - record.values.begin()));
}

Result<bool> RecordReader::next(Batch& into, std::size_t max_rows) {
  into.clear();
  into.dim = dim_;
  into.first_row = done_;
  bool any_payload = false;
  while (has_ahead_ && into.payloads.size() < max_rows) {
    into.values.insert(into.values.end(), ahead_.values.begin(), ahead_.values.end());
    if (with_ids_) into.ids.push_back(std::move(*ahead_.id));
    any_payload = any_payload || !ahead_.payload.empty();
    into.payloads.push_back(std::move(ahead_.payload));
    NDB_TRY_ASSIGN(has_ahead_, read(ahead_));
    if (has_ahead_) NDB_TRY(check(ahead_));
    ++done_;
  }
  if (!any_payload) into.payloads.clear();
  return !into.values.empty();
}

Result<bool> RecordReader::read_line(std::string_view& line) {
  for (;;) {
    NDB_TRY_ASSIGN(const bool more, source_.read_line(line, kMaxLineBytes));
    if (!more) return false;
    ++line_;
    if (line_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);  // a byte order mark
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") != std::string_view::npos) return true;
  }
}

}  // namespace ndb::io
