// NDB_CHECK: for bugs only, in every build. Damage on disk and bad input are Errors, never checks.
#pragma once

namespace ndb::base {
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}

#define NDB_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::ndb::base::check_failed(#condition, __FILE__, __LINE__))
