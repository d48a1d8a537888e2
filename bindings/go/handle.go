package ndb

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Live handles of the library, for tests: 0 when everything is closed.
var liveHandles atomic.Int64

// A handle of the library that is freed when it is closed and the last call that uses it has returned.
type handle struct {
	state   atomic.Int64 // 2 * calls under way, + 1 once it is closed
	pointer unsafe.Pointer
	free    func(unsafe.Pointer)
}

func newHandle(pointer unsafe.Pointer, free func(unsafe.Pointer)) *handle {
	liveHandles.Add(1)
	h := &handle{pointer: pointer, free: free}
	runtime.SetFinalizer(h, (*handle).close)
	return h
}

// acquire keeps the pointer valid until release; false if it was closed.
func (h *handle) acquire() bool {
	for {
		state := h.state.Load()
		if state&1 != 0 {
			return false
		}
		if h.state.CompareAndSwap(state, state+2) {
			return true
		}
	}
}

func (h *handle) release() {
	if h.state.Add(-2) == 1 {
		h.discard()
	}
}

func (h *handle) close() {
	for {
		state := h.state.Load()
		if state&1 != 0 {
			return
		}
		if h.state.CompareAndSwap(state, state|1) {
			if state == 0 {
				h.discard()
			}
			return
		}
	}
}

func (h *handle) discard() {
	runtime.SetFinalizer(h, nil)
	h.free(h.pointer)
	liveHandles.Add(-1)
}
