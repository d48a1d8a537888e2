// What the text formats share: records of one line or more, the first good one of which says what all of them have.
// Threads: one. Invariant: the records up to the first good one after the last one returned have been read already, so dim() is known from
// the start.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "shared/io/byte_source.hpp"
#include "shared/io/vector_reader.hpp"

namespace ndb::io {

/// One row of a text file.
struct Record {
  std::uint64_t line = 0;  ///< from 1, where it begins
  std::vector<float> values{};
  std::optional<std::string> id{};
  std::string payload{};  ///< a JSON object, or empty for none
  std::optional<std::string> bad{};  ///< why it cannot be used; kept in place of an error
  std::string text{};     ///< of a bad one
};

class RecordReader : public VectorReader {
 public:
  RecordReader(ByteSource source, OnBadRow bad) : source_(std::move(source)), bad_(bad) {}

  /// Reads up to the first good record; call once before anything else.
  [[nodiscard]] Status start();
  Result<bool> next(Batch& into, std::size_t max_rows) final;
  Result<std::uint64_t> skip(std::uint64_t rows) final;
  std::uint32_t dim() const noexcept final { return dim_; }
  std::optional<std::uint64_t> rows() const noexcept final { return std::nullopt; }
  std::uint64_t bytes_read() const noexcept final { return source_.offset(); }
  std::uint64_t bytes_total() const noexcept final { return source_.bounded() ? source_.size() : 0; }

 protected:
  /// Replaces `into`, which is empty, by the next record; false at the end. An error that bad_record() made spoils this record only.
  [[nodiscard]] virtual Result<bool> read(Record& into) = 0;
  /// The next record is not looked at more than needed to find its end; false at the end.
  [[nodiscard]] virtual Result<bool> skip_one() = 0;

  /// The next line that is not blank, without its line end; false at the end. Those that were put back come first.
  [[nodiscard]] Result<bool> read_line(std::string_view& line);
  /// The next line, as it stands.
  [[nodiscard]] Result<bool> read_any_line(std::string_view& line);
  /// The lines will be read again; they follow the line `after`.
  void put_back(std::vector<std::string> lines, std::uint64_t after);
  /// invalid_argument "<file>: line <n>: <why>", for the line that was read last or another one; bad_text_ is what stands there.
  [[nodiscard]] std::unexpected<Error> bad_record(std::string_view why) const { return bad_record_at(line_, why); }
  [[nodiscard]] std::unexpected<Error> bad_record_at(std::uint64_t line, std::string_view why) const;

  /// The same about the whole file.
  [[nodiscard]] std::unexpected<Error> refuse(std::string_view why) const;

  ByteSource source_;
  std::uint64_t line_ = 0;  ///< number of the line that was read last
  std::uint64_t record_line_ = 0;  ///< where the record under way begins
  std::string bad_text_;    ///< text of the record under way, for those who want to mend it

 private:
  /// read() and check(); a bad record is an error or, when this reader keeps going, a record that says so.
  [[nodiscard]] Result<bool> read_checked(Record& into);
  [[nodiscard]] Status check(const Record& record);
  void add(Record& record, Batch& into) const;

  const OnBadRow bad_;
  std::deque<Record> ahead_;
  std::deque<std::string> again_;  // lines that were put back
  std::string line_again_;
  std::uint32_t dim_ = 0;          // 0 until the first good record
  bool with_ids_ = false;
  std::uint64_t done_ = 0;
};

}  // namespace ndb::io
