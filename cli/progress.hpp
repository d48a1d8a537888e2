// How far an import, a backup or the like is, on standard error: redrawn in place on a terminal, a plain line now and then otherwise.
// Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

namespace ndb::cli {

struct Done {
  std::uint64_t rows = 0;
  std::optional<std::uint64_t> rows_total;
  std::uint64_t bytes = 0, bytes_total = 0;  ///< of the file, where the rows are not known
  std::uint64_t rows_before = 0;             ///< of `rows`, those that an earlier run did: they do not count for the rate
  double share_before = 0;                   ///< likewise, of the whole

  /// 0–1; 0 if nobody knows.
  [[nodiscard]] double share() const noexcept;
};

class Progress {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  Progress(std::ostream& to, bool terminal, Clock clock = std::chrono::steady_clock::now);
  /// Draws if it is time to.
  void update(const Done& done);
  /// Draws for the last time and ends the line.
  void finish(const Done& done);
  /// The same for work that is counted in bytes.
  void update_bytes(const Done& done);
  void finish_bytes(const Done& done);
  [[nodiscard]] double seconds() const;

  /// "[=====>    ]  52 %  1,234 of 2,345 rows, 567 rows/s, 0:07 left"
  [[nodiscard]] static std::string line(const Done& done, double seconds);
  /// "[=====>    ]  52 %  1.2 GiB of 2.3 GiB, 567.0 MiB/s, 0:07 left"
  [[nodiscard]] static std::string bytes_line(const Done& done, double seconds);

 private:
  using Line = std::string (*)(const Done&, double);
  void draw(const Done& done, Line line);
  void draw_last(const Done& done, Line line);

  std::ostream& to_;
  const bool terminal_;
  const Clock clock_;
  const std::chrono::steady_clock::time_point start_;
  std::optional<std::chrono::steady_clock::time_point> last_;
};

}  // namespace ndb::cli
