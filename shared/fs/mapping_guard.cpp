#include "shared/fs/mapping_guard.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <new>

#include "shared/base/check.hpp"
#include "shared/fs/page_release.hpp"

namespace ndb::fs {

// Everything that the handler reads is lock-free. All accesses are sequentially consistent: they are rare, and the reasoning stays short.
struct MappingGuard::Slot {
  static constexpr std::uint64_t kNothing = ~std::uint64_t{0};

  std::atomic<std::uint64_t> version{0};  // odd while the fields below change
  std::atomic<std::uintptr_t> begin{0};   // 0: free
  std::atomic<std::uintptr_t> end{0};
  std::atomic<int> protection{0};
  std::atomic<std::uint64_t> lost{kNothing};

  void set(std::uintptr_t from, std::uintptr_t to, int prot) noexcept {
    version.fetch_add(1);
    begin.store(from);
    end.store(to);
    protection.store(prot);
    lost.store(kNothing);
    version.fetch_add(1);
  }
};

namespace {

using Slot = MappingGuard::Slot;
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uintptr_t>::is_always_lock_free &&
              std::atomic<int>::is_always_lock_free);

// Slots live for ever, so that the handler may walk them at any time; a freed one is used again.
struct Chunk {
  std::array<Slot, 256> slots;
  std::atomic<Chunk*> next{nullptr};
};
constinit Chunk first_chunk;
constinit std::mutex claim_mutex;  // for those who claim and free; never taken by the handler

struct sigaction previous_action;
std::uintptr_t page_bytes = 4096;

// A range as it was at one moment; begin 0 if the slot is free or was changing (then it is not the range of a thread that faults now:
// that one stays guarded until the thread is done).
struct Range {
  std::uintptr_t begin = 0, end = 0;
  int protection = 0;
};
Range read(const Slot& slot) noexcept {
  const std::uint64_t before = slot.version.load();
  const Range range{slot.begin.load(), slot.end.load(), slot.protection.load()};
  return before % 2 == 0 && slot.version.load() == before ? range : Range{};
}

// Zeros from the page of the fault to the end: after a truncation all of that is gone, so one fault serves for the whole file.
// By system call and not through mmap(), which sanitizers replace by something that a signal handler must not call.
bool put_zeros(Slot& slot, const Range& range, std::uintptr_t fault) noexcept {
  const std::uintptr_t page = fault & ~(page_bytes - 1);
  std::uint64_t before = slot.lost.load();
  while (page - range.begin < before && !slot.lost.compare_exchange_weak(before, page - range.begin)) {
  }
  const std::uintptr_t bytes = (range.end - page + page_bytes - 1) & ~(page_bytes - 1);
  const long mapped = ::syscall(SYS_mmap, page, bytes, range.protection,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  return mapped == static_cast<long>(page);
}

bool repair(std::uintptr_t fault) noexcept {
  for (Chunk* chunk = &first_chunk; chunk != nullptr; chunk = chunk->next.load())
    for (Slot& slot : chunk->slots)
      if (const Range range = read(slot); range.begin != 0 && fault >= range.begin && fault < range.end)
        return put_zeros(slot, range, fault);
  return false;
}

// As if this handler were not there: the default action ends the process, with the fault as its cause.
void chain(int signal, siginfo_t* info, void* context) {
  if ((previous_action.sa_flags & SA_SIGINFO) != 0 && previous_action.sa_sigaction != nullptr)
    return previous_action.sa_sigaction(signal, info, context);
  if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN)
    return previous_action.sa_handler(signal);
  if (info->si_code <= 0 && previous_action.sa_handler == SIG_IGN) return;  // sent by somebody, and not wanted
  struct sigaction fall_back {};
  fall_back.sa_handler = SIG_DFL;
  ::sigaction(signal, &fall_back, nullptr);
  // A fault happens again when the instruction is repeated; a signal that was sent must be sent again.
  if (info->si_code <= 0) ::raise(signal);
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const bool of_memory = info->si_code == BUS_ADRERR || info->si_code == BUS_MCEERR_AR;
  if (!of_memory || !repair(reinterpret_cast<std::uintptr_t>(info->si_addr))) chain(signal, info, context);
  errno = saved_errno;
}

void install_handler() noexcept {
  page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  ::sigaction(SIGBUS, nullptr, &previous_action);  // before ours can be called
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;  // ONSTACK: runtimes with small stacks, such as Go's, need it
  NDB_CHECK(::sigaction(SIGBUS, &action, nullptr) == 0);
}

Slot* claim(std::uintptr_t begin, std::uintptr_t end, int protection) {
  const std::scoped_lock lock(claim_mutex);
  for (Chunk* chunk = &first_chunk;; chunk = chunk->next.load()) {
    for (Slot& slot : chunk->slots)
      if (slot.begin.load() == 0) {
        slot.set(begin, end, protection);
        return &slot;
      }
    if (chunk->next.load() == nullptr) chunk->next.store(new Chunk);  // kept for ever
  }
}

}  // namespace

// Guards go before their range is unmapped, and need the mutex for that. Pages that are zeros instead of a lost file's stay zeros.
void release_mapped_pages() noexcept {
  const std::scoped_lock lock(claim_mutex);
  for (Chunk* chunk = &first_chunk; chunk != nullptr; chunk = chunk->next.load())
    for (Slot& slot : chunk->slots)
      if (const Range range = read(slot); range.begin != 0 && range.protection == PROT_READ)
        static_cast<void>(::madvise(reinterpret_cast<void*>(range.begin), range.end - range.begin, MADV_DONTNEED));
}

MappingGuard::MappingGuard(void* begin, std::size_t bytes, Access access)
    : last_byte_(static_cast<const unsigned char*>(begin) + bytes - 1) {
  static std::once_flag installed;
  std::call_once(installed, install_handler);
  const auto from = reinterpret_cast<std::uintptr_t>(begin);
  NDB_CHECK(bytes > 0 && from % page_bytes == 0);
  slot_ = claim(from, from + bytes, access == Access::read_write ? PROT_READ | PROT_WRITE : PROT_READ);
}

MappingGuard::~MappingGuard() {
  const std::scoped_lock lock(claim_mutex);
  slot_->set(0, 0, 0);
}

std::optional<std::size_t> MappingGuard::lost() const noexcept {
  static_cast<void>(*last_byte_);
  const std::uint64_t offset = slot_->lost.load();
  return offset == Slot::kNothing ? std::nullopt : std::optional<std::size_t>(offset);
}

}  // namespace ndb::fs
