#include "tests/simulation/fiber.hpp"

#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <cstdlib>
#include <exception>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define NDB_SIM_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NDB_SIM_ASAN
#endif
#endif
#ifdef NDB_SIM_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace ndb::sim {
namespace {

namespace context = boost::context;

constexpr std::size_t kStackBytes = 1U << 20;

// Guarded stacks that are used again by the next run: mapping them costs more than a short run.
class Stacks {
 public:
  context::stack_context allocate() {
    auto& spare = spare_stacks();
    if (spare.empty()) return context::protected_fixedsize_stack(kStackBytes).allocate();
    const auto stack = spare.back();
    spare.pop_back();
    return stack;
  }
  void deallocate(context::stack_context& stack) noexcept { spare_stacks().push_back(stack); }

 private:
  static std::vector<context::stack_context>& spare_stacks() {
    static std::vector<context::stack_context> stacks;  // for the life of the process
    return stacks;
  }
};

}  // namespace

struct Fiber::Switch {
  context::fiber inside, outside;
  context::stack_context stack;  // for AddressSanitizer, as the following
  const void* outside_stack = nullptr;
  std::size_t outside_stack_bytes = 0;

  void arrive_inside([[maybe_unused]] void* fake_stack) {
#ifdef NDB_SIM_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, &outside_stack, &outside_stack_bytes);
#endif
  }
};

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), switch_(std::make_unique<Switch>()) {
  Stacks stacks;
  switch_->stack = stacks.allocate();
  const context::preallocated place(switch_->stack.sp, switch_->stack.size, switch_->stack);
  switch_->inside = context::fiber(std::allocator_arg, place, stacks, [this](context::fiber&& outside) {
    switch_->arrive_inside(nullptr);
    switch_->outside = std::move(outside);
    run();
    finished_ = true;
#ifdef NDB_SIM_ASAN
    __sanitizer_start_switch_fiber(nullptr, switch_->outside_stack, switch_->outside_stack_bytes);
#endif
    return std::move(switch_->outside);
  });
}

// An unfinished fiber would be unwound by an exception through code that expects none.
Fiber::~Fiber() {
  if (!finished_) std::abort();
}

void Fiber::resume() {
#ifdef NDB_SIM_ASAN
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, static_cast<std::byte*>(switch_->stack.sp) - switch_->stack.size, switch_->stack.size);
#endif
  switch_->inside = std::move(switch_->inside).resume();
#ifdef NDB_SIM_ASAN
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

void Fiber::pause() {
  void* fake_stack = nullptr;
#ifdef NDB_SIM_ASAN
  __sanitizer_start_switch_fiber(&fake_stack, switch_->outside_stack, switch_->outside_stack_bytes);
#endif
  switch_->outside = std::move(switch_->outside).resume();
  switch_->arrive_inside(fake_stack);
}

void Fiber::run() {
  try {
    body_();
  } catch (const std::exception& e) {
    exception_ = e.what();
  } catch (...) {
    exception_ = "an unknown exception";
  }
}

}  // namespace ndb::sim
