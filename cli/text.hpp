// Text for people: tables, amounts, and foreign text that must not steer a terminal. Threads: plain functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ndb::cli {

/// Control characters and bytes that are no UTF-8 become visible escapes, so that an id cannot move the cursor.
[[nodiscard]] std::string printable(std::string_view text);
/// At most `columns` characters, the last of which is … if something was cut off.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t columns);
/// "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "1.5 MiB"
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);
/// "0:07", "1:02:03"
[[nodiscard]] std::string human_duration(double seconds);

/// Columns separated by two spaces, as wide as needed; those named with a leading '>' are aligned to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  void add(std::vector<std::string> cells);
  [[nodiscard]] std::string text() const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace ndb::cli
