// What the text formats share: records of one line or more, the first of which says what all of them have.
// Threads: one. Invariant: the record after the last one returned has been read already, so dim() is known from the start.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shared/io/byte_source.hpp"
#include "shared/io/vector_reader.hpp"

namespace ndb::io {

/// One row of a text file.
struct Record {
  std::uint64_t line = 0;  ///< from 1, where it begins
  std::vector<float> values;
  std::optional<std::string> id;
  std::string payload;  ///< a JSON object, or empty for none
};

class RecordReader : public VectorReader {
 public:
  explicit RecordReader(ByteSource source) : source_(std::move(source)) {}

  /// Reads the first record; call once before anything else.
  [[nodiscard]] Status start();
  Result<bool> next(Batch& into, std::size_t max_rows) final;
  std::uint32_t dim() const noexcept final { return dim_; }
  std::optional<std::uint64_t> rows() const noexcept final { return std::nullopt; }
  std::uint64_t bytes_read() const noexcept final { return source_.offset(); }
  std::uint64_t bytes_total() const noexcept final { return source_.size(); }

 protected:
  /// Replaces `into` by the next record; false at the end.
  [[nodiscard]] virtual Result<bool> read(Record& into) = 0;

  /// The next line that is not blank, without its line end; false at the end.
  [[nodiscard]] Result<bool> read_line(std::string_view& line);
  /// invalid_argument "<file>: line <n>: <why>", for the line that was read last or another one.
  [[nodiscard]] std::unexpected<Error> refuse(std::string_view why) const { return refuse_at(line_, why); }
  [[nodiscard]] std::unexpected<Error> refuse_at(std::uint64_t line, std::string_view why) const;

  ByteSource source_;
  std::uint64_t line_ = 0;  ///< number of the line that was read last

 private:
  [[nodiscard]] Status check(const Record& record) const;

  Record ahead_;  ///< valid if has_ahead_
  bool has_ahead_ = false;
  std::uint32_t dim_ = 0;
  bool with_ids_ = false;
  std::uint64_t done_ = 0;
};

}  // namespace ndb::io
