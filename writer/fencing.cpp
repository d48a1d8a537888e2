#include "writer/fencing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "shared/base/crash_point.hpp"

namespace ndb::writer {
namespace {

// The highest epoch that was ever claimed, as far as this host sees.
Result<Epoch> highest_claim(fs::FileSystem& fs, const fs::Path& collection) {
  NDB_TRY_ASSIGN(const auto names, fs.list(format::epoch_claims_folder(collection)));
  Epoch highest{};
  for (const auto& name : names) {
    const auto epoch = format::parse_number(std::string_view(name).substr(0, name.find('.')));
    if (epoch && name.ends_with(".claim")) highest = std::max(highest, Epoch{*epoch});
  }
  return highest;
}

// The boot id; of a holder without one, the host.
std::string_view kernel_of(std::string_view holder) noexcept {
  const auto before = holder.find_last_of("/@");
  return before == std::string_view::npos ? std::string_view{} : holder.substr(before + 1);
}

}  // namespace

Result<Epoch> claim_epoch(fs::FileSystem& fs, const fs::Path& collection, const std::string& holder) {
  NDB_TRY_ASSIGN(const auto published, format::read_epoch(fs, collection));
  NDB_TRY_ASSIGN(const auto claimed, highest_claim(fs, collection));
  Epoch mine = std::max(published.epoch, claimed);
  for (;;) {
    mine = mine.next();
    const auto status =
        fs::create_file_exclusively(fs, format::epoch_claim_path(collection, mine), base::as_bytes(holder + "\n"));
    if (status) break;
    if (status.error().code != ErrorCode::already_exists) return std::unexpected(status.error());
  }
  base::crash_point("epoch-claimed");
  NDB_TRY(format::write_epoch(fs, collection, {mine, holder}));
  base::crash_point("epoch-published");
  // Another may have claimed a later epoch while this one stalled before publishing its own over it.
  NDB_TRY_ASSIGN(const auto now, highest_claim(fs, collection));
  if (now > mine)
    return fail(ErrorCode::fenced, fmt::format("another writer claimed epoch {} while this one claimed {}", now.value,
                                               mine.value));
  return mine;
}

Result<std::string> holder_of(fs::FileSystem& fs, const fs::Path& collection, Epoch epoch) {
  constexpr std::uint64_t kMaxBytes = 4096;
  const auto bytes = fs::read_file(fs, format::epoch_claim_path(collection, epoch), kMaxBytes);
  if (!bytes && bytes.error().code == ErrorCode::not_found) return std::string{};
  if (!bytes) return std::unexpected(bytes.error());
  const auto text = base::as_text(*bytes);
  return std::string(text.substr(0, text.find('\n')));
}

bool same_kernel(std::string_view holder, std::string_view other) noexcept {
  return !kernel_of(holder).empty() && kernel_of(holder) == kernel_of(other);
}

Status check_epoch(fs::FileSystem& fs, const fs::Path& collection, Epoch mine) {
  NDB_TRY_ASSIGN(const auto now, format::read_epoch(fs, collection));
  if (now.epoch == mine) return {};
  return fail(ErrorCode::fenced, fmt::format("epoch {} has been replaced by epoch {} of {}: another writer took over",
                                             mine.value, now.epoch.value, now.holder));
}

}  // namespace ndb::writer
