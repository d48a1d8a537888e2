#include "cli/progress.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/text.hpp"

namespace ndb::cli {
namespace {
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kPlainLine{5};
constexpr std::size_t kBarColumns = 24;

/// "[=====>    ]  52 %  "
std::string bar(double share) {
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(kBarColumns));
  std::string bar(filled, '=');
  if (filled < kBarColumns) bar += '>';
  bar.resize(kBarColumns, ' ');
  return fmt::format("[{}] {:3.0f} %  ", bar, share * 100);
}

/// ", 0:07 left"
std::string time_left(const Done& done, double seconds) {
  const double share = done.share();
  if (share <= done.share_before || share >= 1 || seconds <= 0) return "";
  return fmt::format(", {} left", human_duration(seconds / (share - done.share_before) * (1 - share)));
}

}  // namespace

double Done::share() const noexcept {
  double share = 0;
  if (rows_total && *rows_total > 0) share = static_cast<double>(rows) / static_cast<double>(*rows_total);
  else if (bytes_total > 0) share = static_cast<double>(bytes) / static_cast<double>(bytes_total);
  return std::clamp(share, 0.0, 1.0);
}

Progress::Progress(std::ostream& to, bool terminal, Clock clock)
    : to_(to), terminal_(terminal), clock_(std::move(clock)), start_(clock_()) {}

double Progress::seconds() const { return std::chrono::duration<double>(clock_() - start_).count(); }

void Progress::update(const Done& done) { draw(done, line); }
void Progress::finish(const Done& done) { draw_last(done, line); }
void Progress::update_bytes(const Done& done) { draw(done, bytes_line); }
void Progress::finish_bytes(const Done& done) { draw_last(done, bytes_line); }

void Progress::draw(const Done& done, Line write) {
  const auto now = clock_();
  const auto pause = terminal_ ? std::chrono::milliseconds(kRedraw) : std::chrono::milliseconds(kPlainLine);
  if (now - last_.value_or(start_) < pause) return;
  last_ = now;
  if (terminal_) to_ << "\r\x1b[K" << write(done, seconds()) << std::flush;
  else to_ << write(done, seconds()) << std::endl;
}

void Progress::draw_last(const Done& done, Line write) {
  if (terminal_) to_ << "\r\x1b[K" << write(done, seconds()) << std::endl;
  else if (last_) to_ << write(done, seconds()) << std::endl;
}

std::string Progress::line(const Done& done, double seconds) {
  const double share = done.share();
  const double rate = seconds > 0 ? static_cast<double>(done.rows - std::min(done.rows, done.rows_before)) / seconds : 0;
  const bool known = done.rows_total || done.bytes_total > 0;
  std::string text = known ? bar(share) + grouped(done.rows) : grouped(done.rows);
  if (done.rows_total) text += " of " + grouped(*done.rows_total);
  text += fmt::format(" rows, {} rows/s", grouped(static_cast<std::uint64_t>(rate)));
  return text + time_left(done, seconds);
}

std::string Progress::bytes_line(const Done& done, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(done.bytes) / seconds : 0;
  return bar(done.share()) + fmt::format("{} of {}, {}/s", human_bytes(done.bytes), human_bytes(done.bytes_total), human_bytes(static_cast<std::uint64_t>(rate))) +
         time_left(done, seconds);
}

}  // namespace ndb::cli
