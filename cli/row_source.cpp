#include "cli/row_source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

constexpr std::size_t kMaxChunkBytes = 32ULL << 20;
constexpr std::size_t kReadRows = 1024;
constexpr std::size_t kMaxSideLineBytes = 4ULL << 20;  // several times a payload at its limit

/// The next line of a side file, without its line end.
Result<std::string> side_line(io::ByteSource& source, std::uint64_t row) {
  std::string_view line;
  NDB_TRY_ASSIGN(const bool more, source.read_line(line, kMaxSideLineBytes));
  if (!more) return source.refuse(fmt::format("ends before row {}; it needs one line for each vector", row + 1));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return std::string(line);
}

Status expect_end(std::optional<io::ByteSource>& source) {
  if (!source || source->remaining() == 0) return {};
  return source->refuse("has more lines than there are vectors");
}

}  // namespace

std::vector<DocumentView> Chunk::views() const {
  std::vector<DocumentView> views;
  views.reserve(size());
  for (std::size_t row = 0; row < size(); ++row)
    views.push_back({.id = ids[row], .vector = std::span(values).subspan(row * dim, dim), .payload = payloads[row]});
  return views;
}

Result<RowSource> RowSource::open(const RowFiles& files) {
  NDB_TRY_ASSIGN(auto reader, io::VectorReader::open(files.vectors));
  RowSource source(files, std::move(reader));
  if (!files.ids.empty()) {
    NDB_TRY_ASSIGN(source.ids_, io::ByteSource::open(files.ids));
  }
  if (!files.payloads.empty()) {
    NDB_TRY_ASSIGN(source.payloads_, io::ByteSource::open(files.payloads));
  }
  while (source.returned_ < files.skip) {
    Chunk chunk;
    NDB_TRY_ASSIGN(const bool more, source.next(chunk, static_cast<std::size_t>(std::min<std::uint64_t>(kReadRows, files.skip - source.returned_))));
    if (!more) return fail(ErrorCode::invalid_argument, fmt::format("{} has only {} rows to skip", files.vectors.string(), source.returned_));
  }
  return source;
}

Result<bool> RowSource::refill() {
  at_ = 0;
  // Few rows at a time where rows are large.
  const std::size_t row_bytes = std::max<std::size_t>(1, dim()) * sizeof(float);
  return reader_->next(batch_, std::clamp<std::size_t>(kMaxChunkBytes / 4 / row_bytes, 1, kReadRows));
}

Result<std::string> RowSource::id_of(std::size_t row) {
  if (ids_) {
    NDB_TRY_ASSIGN(auto id, side_line(*ids_, returned_));
    return files_.id_prefix + id;
  }
  return files_.id_prefix + (batch_.ids.empty() ? std::to_string(returned_) : batch_.ids[row]);
}

Result<std::string> RowSource::payload_of(std::size_t row) {
  if (payloads_) {
    auto payload = side_line(*payloads_, returned_);
    if (payload && *payload == "null") payload->clear();
    return payload;
  }
  return batch_.payloads.empty() ? std::string() : std::move(batch_.payloads[row]);
}

Status RowSource::check_ends() {
  NDB_TRY(expect_end(ids_));
  return expect_end(payloads_);
}

Result<bool> RowSource::next(Chunk& into, std::size_t max_rows) {
  into.first_row = returned_;
  into.dim = dim();
  into.values.clear();
  into.ids.clear();
  into.payloads.clear();
  std::size_t bytes = 0;
  while (into.size() < max_rows && bytes < kMaxChunkBytes) {
    if (at_ == batch_.size()) {
      NDB_TRY_ASSIGN(const bool more, refill());
      if (!more) {
        NDB_TRY(check_ends());
        break;
      }
    }
    NDB_TRY_ASSIGN(auto id, id_of(at_));
    NDB_TRY_ASSIGN(auto payload, payload_of(at_));
    const auto vector = batch_.vector(at_);
    bytes += vector.size_bytes() + id.size() + payload.size();
    into.values.insert(into.values.end(), vector.begin(), vector.end());
    into.ids.push_back(std::move(id));
    into.payloads.push_back(std::move(payload));
    ++at_;
    ++returned_;
  }
  return into.size() > 0;
}

Done RowSource::done() const {
  return {.rows = returned_, .rows_total = reader_->rows(), .bytes = reader_->bytes_read(), .bytes_total = reader_->bytes_total()};
}

}  // namespace ndb::cli
