#include "cli/import/row_source.hpp"

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>

#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

constexpr std::size_t kMaxChunkBytes = 32ULL << 20;
constexpr std::size_t kReadBytes = 1ULL << 20;
constexpr std::size_t kReadRows = 1024;
constexpr std::size_t kMaxSideLineBytes = 4ULL << 20;  // several times a payload at its limit
const std::filesystem::path kStandardInput = "-";

/// Standard input, read as it comes; the offset is always where it is.
class StandardInput final : public fs::File {
 public:
  Result<std::size_t> read_at(std::uint64_t /*offset*/, std::span<std::byte> into) override {
    for (;;) {
      const ssize_t n = ::read(STDIN_FILENO, into.data(), into.size());
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno != EINTR) return base::fail_errno(errno, "read standard input");
    }
  }
  Status append(base::ByteSpan) override { return unsupported(); }
  Status write_at(std::uint64_t, base::ByteSpan) override { return unsupported(); }
  Status sync() override { return unsupported(); }
  Result<std::uint64_t> size() override { return unsupported(); }

 private:
  static std::unexpected<Error> unsupported() { return fail(ErrorCode::internal, "standard input can only be read"); }
};

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

/// False if it has no direction.
bool normalize(std::span<float> vector) {
  double sum = 0;
  for (const float x : vector) sum += static_cast<double>(x) * static_cast<double>(x);
  const double length = std::sqrt(sum);
  if (!(length > 0)) return false;
  for (float& x : vector) x = static_cast<float>(static_cast<double>(x) / length);
  return std::ranges::any_of(vector, [](float x) { return x != 0.0F; });
}

/// Size and date, so that a file that changed is known as another one.
std::string describe(const std::filesystem::path& path) {
  struct stat info {};
  if (path.empty() || ::stat(path.c_str(), &info) != 0) return "-";
  return fmt::format("{} {} {}.{:09}", std::filesystem::absolute(path).string(), info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

}  // namespace

Status expand_pattern(const std::string& word, std::vector<std::filesystem::path>& into) {
  std::error_code ignored;
  if (word.find_first_of("*?[") == std::string::npos || std::filesystem::exists(word, ignored)) return into.emplace_back(word), Status{};
  glob_t found{};
  const int code = ::glob(word.c_str(), GLOB_TILDE, nullptr, &found);
  for (std::size_t i = 0; code == 0 && i < found.gl_pathc; ++i) into.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  return code == 0 ? Status{} : fail(ErrorCode::not_found, fmt::format("no file matches '{}'", word));
}

Result<std::unique_ptr<RowSource>> RowSource::open(const RowFiles& files) {
  std::unique_ptr<RowSource> source(new RowSource(files));
  bool known = true;
  for (const auto& path : files.vectors) {
    struct stat info {};
    known = known && path != kStandardInput && ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
    if (known) source->bytes_total_ += static_cast<std::uint64_t>(info.st_size);
  }
  if (!known) source->bytes_total_ = 0;
  NDB_TRY(source->open_side_files());
  NDB_TRY(source->open_reader());
  return source;
}

Status RowSource::open_side_files() {
  ids_.reset();
  payloads_.reset();
  documents_.reset();
  if (!files_.ids.empty()) {
    NDB_TRY_ASSIGN(ids_, io::ByteSource::open(files_.ids));
  }
  if (!files_.payloads.empty()) {
    NDB_TRY_ASSIGN(payloads_, io::ByteSource::open(files_.payloads));
  }
  if (!files_.documents.empty()) {
    NDB_TRY_ASSIGN(documents_, io::DocumentLines::open(files_.documents));
  }
  return {};
}

Status RowSource::open_reader() {
  const auto& path = files_.vectors[file_];
  row_of_file_ = 0;
  batch_.clear();
  at_ = bad_at_ = 0;
  if (path == kStandardInput) {
    const std::string format = files_.format.empty() ? "jsonl" : files_.format;
    NDB_TRY_ASSIGN(reader_, io::VectorReader::open(io::ByteSource::stream("standard input", std::make_unique<StandardInput>()), format, files_.bad));
  } else if (files_.format.empty()) {
    NDB_TRY_ASSIGN(reader_, io::VectorReader::open(path, files_.bad));
  } else {
    NDB_TRY_ASSIGN(auto bytes, io::ByteSource::open(path));
    NDB_TRY_ASSIGN(reader_, io::VectorReader::open(std::move(bytes), files_.format, files_.bad));
  }
  if (dim_ == 0) dim_ = reader_->dim();
  if (reader_->dim() == 0 || reader_->dim() == dim_) return {};
  return fail(ErrorCode::invalid_argument, fmt::format("{}: has vectors of {} elements, the files before have {}", path.string(), reader_->dim(), dim_));
}

Result<bool> RowSource::refill() {
  at_ = bad_at_ = 0;
  for (;;) {
    // Few rows at a time where rows are large.
    const std::size_t row_bytes = std::max<std::size_t>(1, dim_) * sizeof(float);
    NDB_TRY_ASSIGN(const bool more, reader_->next(batch_, std::clamp<std::size_t>(kReadBytes / row_bytes, 1, kReadRows)));
    if (more) return true;
    batch_.clear();
    if (file_ + 1 == files_.vectors.size()) return false;
    bytes_before_ += reader_->bytes_read();
    ++file_;
    NDB_TRY(open_reader());
  }
}

Result<RowSource::Beside> RowSource::beside(std::size_t row) {
  Beside found;
  if (documents_) {
    io::DocumentLines::Line line;
    const auto more = documents_->next(line);
    if (!more) found.wrong = more.error().message;
    else if (!*more) return fail(ErrorCode::invalid_argument, fmt::format("{}: ends before row {}; it needs one line for each vector", files_.documents.string(), row_ + 1));
    found.id = std::move(line.id);
    found.payload = std::move(line.payload);
  }
  if (ids_) {
    NDB_TRY_ASSIGN(found.id, side_line(*ids_, row_));
  } else if (!documents_) {
    found.id = batch_.ids.empty() ? std::to_string(row_) : std::move(batch_.ids[row]);
  }
  if (payloads_) {
    NDB_TRY_ASSIGN(found.payload, side_line(*payloads_, row_));
    if (found.payload == "null") found.payload.clear();
  } else if (!documents_ && !batch_.payloads.empty()) {
    found.payload = std::move(batch_.payloads[row]);
  }
  found.id.insert(0, files_.id_prefix);
  return found;
}

Status RowSource::reject(Chunk& into, Reject reject) const {
  if (files_.bad == io::OnBadRow::fail) return fail(ErrorCode::invalid_argument, reject.why);
  into.rejects.push_back(std::move(reject));
  return {};
}

// A bad row has its lines in the side files like any other.
Status RowSource::add_row(Chunk& into) {
  NDB_TRY_ASSIGN(auto found, beside(at_));
  const bool bad = bad_at_ < batch_.bad.size() && batch_.bad[bad_at_].row == at_;
  const auto vector = std::span(batch_.values).subspan(at_ * batch_.dim, batch_.dim);
  Reject why{.file = files_.vectors[file_].string(), .row = row_, .line = 0, .id = {}, .why = {}, .text = {}};
  if (bad) {
    auto& row = batch_.bad[bad_at_++];
    why.line = row.line;
    why.why = std::move(row.why);
    why.text = std::move(row.text);
  } else if (found.wrong) {
    why.why = std::move(*found.wrong);
  } else if (files_.normalize && !normalize(vector)) {
    why.id = found.id;
    why.why = fmt::format("row {} is all zero and cannot be normalized", row_);
  }
  if (!why.why.empty()) NDB_TRY(reject(into, std::move(why)));
  else into.add(row_, std::move(found.id), vector, std::move(found.payload));
  ++at_;
  ++row_;
  ++row_of_file_;
  return {};
}

Status RowSource::check_ends() {
  NDB_TRY(expect_end(ids_));
  NDB_TRY(expect_end(payloads_));
  if (!documents_) return {};
  NDB_TRY_ASSIGN(const bool more, documents_->skip());
  return more ? fail(ErrorCode::invalid_argument, files_.documents.string() + ": has more lines than there are vectors") : Status{};
}

Result<bool> RowSource::next(Chunk& into, std::size_t max_rows) {
  into.clear();
  into.dim = dim_;
  std::size_t bytes = 0;
  while (into.size() + into.rejects.size() < max_rows && bytes < kMaxChunkBytes) {
    if (at_ == batch_.size()) {
      NDB_TRY_ASSIGN(const bool more, refill());
      into.dim = dim_;
      if (!more) {
        NDB_TRY(check_ends());
        break;
      }
    }
    NDB_TRY(add_row(into));
    bytes += dim_ * sizeof(float);
    bytes += into.rejects.empty() ? 0 : into.rejects.back().text.size();
    bytes += into.ids.empty() ? 0 : into.ids.back().size() + into.payloads.back().size();
  }
  into.position = fmt::format("{} {} {}", file_, row_of_file_, row_);
  into.rows_end = row_;
  return !into.empty();
}

Status RowSource::skip_side_lines(std::uint64_t rows) {
  for (std::uint64_t i = 0; i < rows; ++i) {
    if (ids_) NDB_TRY(side_line(*ids_, row_ + i));
    if (payloads_) NDB_TRY(side_line(*payloads_, row_ + i));
    if (documents_) NDB_TRY(documents_->skip());
  }
  return {};
}

Status RowSource::skip(std::uint64_t rows) {
  for (std::uint64_t left = rows; left > 0;) {
    NDB_TRY_ASSIGN(const auto skipped, reader_->skip(left));
    left -= skipped;
    row_of_file_ += skipped;
    if (left == 0) break;
    if (file_ + 1 == files_.vectors.size())
      return fail(ErrorCode::invalid_argument, fmt::format("{} has only {} rows to skip", name(), rows - left));
    bytes_before_ += reader_->bytes_read();
    ++file_;
    NDB_TRY(open_reader());
  }
  NDB_TRY(skip_side_lines(rows));
  row_ += rows;
  return {};
}

Status RowSource::go_to(const std::string& position) {
  std::size_t file = 0;
  std::uint64_t row_of_file = 0, row = 0;
  if (std::sscanf(position.c_str(), "%zu %lu %lu", &file, &row_of_file, &row) != 3 || file >= files_.vectors.size())
    return fail(ErrorCode::internal, "cannot go on at '" + position + "'");
  for (; file_ < file; ++file_) {
    struct stat info {};
    if (::stat(files_.vectors[file_].c_str(), &info) == 0) bytes_before_ += static_cast<std::uint64_t>(info.st_size);
  }
  NDB_TRY(open_reader());
  NDB_TRY_ASSIGN(const auto skipped, reader_->skip(row_of_file));
  if (skipped != row_of_file) return fail(ErrorCode::invalid_argument, name() + " became shorter");
  NDB_TRY(skip_side_lines(row));
  row_of_file_ = row_of_file;
  row_ = row;
  return {};
}

Done RowSource::done() const {
  Done done{.rows = row_, .rows_total = {}, .bytes = bytes_before_ + reader_->bytes_read(), .bytes_total = bytes_total_};
  if (files_.vectors.size() == 1) done.rows_total = reader_->rows();
  return done;
}

std::string RowSource::origin() const {
  std::string text;
  for (const auto& path : files_.vectors) text += std::filesystem::absolute(path).string() + "\n";
  return text;
}

std::string RowSource::identity() const {
  std::string text = fmt::format("format '{}' prefix '{}' normalize {}", files_.format, files_.id_prefix, files_.normalize);
  for (const auto& path : files_.vectors) {
    if (path == kStandardInput) return "";
    text += "; " + describe(path);
  }
  return text + fmt::format("; ids {}; payloads {}; documents {}", describe(files_.ids), describe(files_.payloads), describe(files_.documents));
}

std::string RowSource::name() const {
  const auto& first = files_.vectors.front();
  const std::string text = first == kStandardInput ? "standard input" : first.filename().string();
  return files_.vectors.size() == 1 ? text : fmt::format("{} and {} more files", text, files_.vectors.size() - 1);
}

}  // namespace ndb::cli
