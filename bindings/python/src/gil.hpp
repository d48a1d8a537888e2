// Leaving Python and coming back. Python ends threads that ask for the GIL while the interpreter shuts down, daemon threads above all, by
// unwinding their stacks: that must not pass destructors, which would give back Python's objects without the GIL, nor functions that are
// noexcept, which would abort the process. Such a thread stops where it is instead, as those of Python 3.14 do.
//
// Threads: any.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

namespace ndb::python {

/// For ever: the process is about to end.
[[noreturn]] inline void park() noexcept {
  for (;;) ::pause();
}

/// Without the GIL as long as this lives.
class GilReleased {
 public:
  GilReleased() : state_(PyEval_SaveThread()) {}
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;
  ~GilReleased() {
    try {
      PyEval_RestoreThread(state_);
    } catch (...) {  // nothing but the unwinding that ends a thread
      park();
    }
  }

 private:
  PyThreadState* state_;
};

/// call(), which runs Python's code and may therefore give the GIL away and wait for it.
template <class Call>
auto in_python(Call call) {
#ifdef __GLIBCXX__
  try {
    return call();
  } catch (abi::__forced_unwind&) {
    park();
  }
#else
  return call();
#endif
}

}  // namespace ndb::python
