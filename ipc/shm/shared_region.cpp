#include "ipc/shm/shared_region.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <chrono>
#include <new>
#include <thread>

#include "shared/base/result.hpp"
#include "shared/fs/mapping_guard.hpp"

namespace ndb::ipc {
namespace bi = boost::interprocess;
using layout::Block;

struct SharedRegion::Mapped {
  bi::shared_memory_object object;  // kept open: its link count tells whether it still has a name
  bi::mapped_region region;
  fs::MappingGuard guard;  // whoever may write the object may also shrink it under us

  Mapped(bi::shared_memory_object from, bi::mapped_region at)
      : object(std::move(from)), region(std::move(at)),
        guard(region.get_address(), region.get_size(), fs::MappingGuard::Access::read_write) {}
};

namespace {

using Mapped = std::unique_ptr<SharedRegion::Mapped>;

// A creator that is killed half-way leaves a block that never becomes ready: wait this long at most, then it is damaged.
constexpr int kReadyChecks = 200;
constexpr std::chrono::milliseconds kReadyPause{1};
// Between two writers that delete and create in turn one must win soon; the write lock makes even this unlikely.
constexpr int kCreateAttempts = 5;

std::unexpected<Error> unavailable(std::string_view key, std::string_view why) {
  return fail(ErrorCode::unavailable, fmt::format("shared memory {}: {}", key, why));
}

bool valid_key(std::string_view key) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  return !key.empty() && key.size() <= 200 && key.front() != '.' && std::ranges::all_of(key, allowed);
}

Mapped map(bi::shared_memory_object object) {
  bi::mapped_region region(object, bi::read_write, 0, sizeof(Block));
  return std::make_unique<SharedRegion::Mapped>(std::move(object), std::move(region));
}

Block& block_of(const SharedRegion::Mapped& mapped) { return *static_cast<Block*>(mapped.region.get_address()); }

// Fresh pages are zero, which is what every word starts with but these.
void initialise(Block& block) {
  block.layout_version.store(layout::kLayoutVersion, std::memory_order_relaxed);
  block.bytes.store(sizeof(Block), std::memory_order_relaxed);
  block.slot_count.store(layout::kSlots, std::memory_order_relaxed);
  block.magic.store(layout::kMagic, std::memory_order_release);  // partner: the acquire in is_ready()
}

bool is_ready(const Block& block) {
  return block.magic.load(std::memory_order_acquire) == layout::kMagic &&
         block.layout_version.load(std::memory_order_relaxed) == layout::kLayoutVersion &&
         block.bytes.load(std::memory_order_relaxed) == sizeof(Block) &&
         block.slot_count.load(std::memory_order_relaxed) == layout::kSlots;
}

// already_exists if somebody else was first.
Result<Mapped> create(const std::string& key, mode_t permissions) try {
  bi::shared_memory_object object(bi::create_only, key.c_str(), bi::read_write, bi::permissions(permissions));
  // Reserve the pages: on a full /dev/shm touching a page that ftruncate promised would be a SIGBUS.
  if (const int reason = ::posix_fallocate(object.get_mapping_handle().handle, 0, sizeof(Block)); reason != 0) {
    bi::shared_memory_object::remove(key.c_str());
    return unavailable(key, base::errno_error(reason, "cannot reserve memory").message);
  }
  Mapped mapped = map(std::move(object));
  initialise(block_of(*mapped));
  return mapped;
} catch (const bi::interprocess_exception& error) {
  if (error.get_error_code() == bi::already_exists_error) return fail(ErrorCode::already_exists, key);
  return unavailable(key, error.what());
}

// Someone who may write the block may also mislead or silence us, so trust no one beyond what the caller asked for.
Status check_trust(int descriptor, const std::string& key, mode_t permissions) {
  struct stat info{};
  if (::fstat(descriptor, &info) != 0) return unavailable(key, base::errno_error(errno, "fstat").message);
  if ((info.st_mode & 0777U & ~permissions) != 0)
    return unavailable(key, fmt::format("is open to more users ({:o}) than allowed ({:o})", info.st_mode & 0777U, permissions));
  const uid_t me = ::geteuid();
  if (info.st_uid != me && info.st_uid != 0 && me != 0 && (permissions & 0077U) == 0)
    return unavailable(key, fmt::format("belongs to user {}", info.st_uid));
  return {};
}

bool wait_for_size(const bi::shared_memory_object& object) {
  for (int i = 0; i < kReadyChecks; ++i) {
    bi::offset_t bytes = 0;
    if (!object.get_size(bytes)) return false;
    if (bytes == static_cast<bi::offset_t>(sizeof(Block))) return true;
    if (bytes > static_cast<bi::offset_t>(sizeof(Block))) return false;
    std::this_thread::sleep_for(kReadyPause);
  }
  return false;
}

bool wait_until_ready(const Block& block) {
  for (int i = 0; i < kReadyChecks; ++i) {
    if (is_ready(block)) return true;
    if (block.magic.load(std::memory_order_relaxed) != 0) return false;
    std::this_thread::sleep_for(kReadyPause);
  }
  return false;
}

// not_found if there is none, corruption if it is damaged.
Result<Mapped> attach(const std::string& key, mode_t permissions) try {
  bi::shared_memory_object object(bi::open_only, key.c_str(), bi::read_write);
  NDB_TRY(check_trust(object.get_mapping_handle().handle, key, permissions));
  if (!wait_for_size(object)) return fail(ErrorCode::corruption, "it has the wrong size");
  Mapped mapped = map(std::move(object));
  if (!wait_until_ready(block_of(*mapped))) return fail(ErrorCode::corruption, "it is damaged, or of another layout");
  return mapped;
} catch (const bi::interprocess_exception& error) {
  if (error.get_error_code() == bi::not_found_error) return fail(ErrorCode::not_found, fmt::format("shared memory {}: there is none", key));
  return unavailable(key, error.what());
}

Result<Mapped> open_or_create(const std::string& key, mode_t permissions) {
  for (int i = 0; i < kCreateAttempts; ++i) {
    auto mapped = attach(key, permissions);
    if (mapped || mapped.error().code == ErrorCode::unavailable) return mapped;
    if (mapped.error().code == ErrorCode::corruption) bi::shared_memory_object::remove(key.c_str());
    mapped = create(key, permissions);
    if (mapped || mapped.error().code == ErrorCode::unavailable) return mapped;
  }
  return unavailable(key, "it is created and deleted again and again");
}

}  // namespace

Result<std::shared_ptr<SharedRegion>> SharedRegion::open(Role role, std::string_view key, mode_t permissions) {
  if (!valid_key(key)) return fail(ErrorCode::invalid_argument, "the name must match [A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}", "key");
  const std::string name(key);
  auto mapped = role == Role::writer ? open_or_create(name, permissions) : attach(name, permissions);
  if (!mapped && mapped.error().code == ErrorCode::not_found) return std::unexpected(std::move(mapped).error());
  if (!mapped) return unavailable(key, mapped.error().message);
  return std::shared_ptr<SharedRegion>(new SharedRegion(std::move(*mapped)));
}

void SharedRegion::remove(std::string_view key) noexcept {
  if (valid_key(key)) bi::shared_memory_object::remove(std::string(key).c_str());
}

SharedRegion::SharedRegion(std::unique_ptr<Mapped> mapped) noexcept : mapped_(std::move(mapped)), block_(&block_of(*mapped_)) {}

SharedRegion::~SharedRegion() = default;

std::size_t SharedRegion::slots_used() const noexcept {
  return std::min<std::size_t>(block_->slots_used.load(std::memory_order_acquire), layout::kSlots);
}

bool SharedRegion::unlinked() const noexcept {
  struct stat info{};
  return ::fstat(mapped_->object.get_mapping_handle().handle, &info) != 0 || info.st_nlink == 0 ||
         mapped_->guard.lost().has_value();
}

}  // namespace ndb::ipc
