#include "cli/progress.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/text.hpp"

namespace ndb::cli {
namespace {
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kPlainLine{5};
constexpr std::size_t kBarColumns = 24;
}  // namespace

Progress::Progress(std::ostream& to, bool terminal, Clock clock)
    : to_(to), terminal_(terminal), clock_(std::move(clock)), start_(clock_()) {}

double Progress::seconds() const { return std::chrono::duration<double>(clock_() - start_).count(); }

void Progress::update(const Done& done) {
  const auto now = clock_();
  const auto pause = terminal_ ? std::chrono::milliseconds(kRedraw) : std::chrono::milliseconds(kPlainLine);
  if (now - last_.value_or(start_) < pause) return;
  last_ = now;
  if (terminal_) to_ << "\r\x1b[K" << line(done, seconds()) << std::flush;
  else to_ << line(done, seconds()) << std::endl;
}

void Progress::finish(const Done& done) {
  if (terminal_) to_ << "\r\x1b[K" << line(done, seconds()) << std::endl;
  else if (last_) to_ << line(done, seconds()) << std::endl;
}

std::string Progress::line(const Done& done, double seconds) {
  double share = 0;
  if (done.rows_total && *done.rows_total > 0) share = static_cast<double>(done.rows) / static_cast<double>(*done.rows_total);
  else if (done.bytes_total > 0) share = static_cast<double>(done.bytes) / static_cast<double>(done.bytes_total);
  share = std::clamp(share, 0.0, 1.0);
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(kBarColumns));
  std::string bar(filled, '=');
  if (filled < kBarColumns) bar += '>';
  bar.resize(kBarColumns, ' ');
  const double rate = seconds > 0 ? static_cast<double>(done.rows) / seconds : 0;
  std::string text = fmt::format("[{}] {:3.0f} %  {}", bar, share * 100, grouped(done.rows));
  if (done.rows_total) text += " of " + grouped(*done.rows_total);
  text += fmt::format(" rows, {} rows/s", grouped(static_cast<std::uint64_t>(rate)));
  if (share > 0 && share < 1 && seconds > 0) text += fmt::format(", {} left", human_duration(seconds / share * (1 - share)));
  return text;
}

}  // namespace ndb::cli
