package ndb

// #include <stdlib.h>
// #include <ndb.h>
import "C"

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unsafe"
)

// Texts in C's memory: an array of pointers and, behind it, what they point to.
type texts struct {
	memory unsafe.Pointer
}

func (t texts) array() **C.char { return (**C.char)(t.memory) }
func (t texts) free()           { C.free(t.memory) }

// makeTexts copies `count` texts; where text(i) is nil, the pointer is.
func makeTexts(count int, text func(i int) ([]byte, bool)) texts {
	const pointer = int(unsafe.Sizeof(uintptr(0)))
	bytes := count*pointer + 1
	for i := 0; i < count; i++ {
		if one, ok := text(i); ok {
			bytes += len(one) + 1
		}
	}
	memory := C.malloc(C.size_t(bytes))
	pointers := unsafe.Slice((*uintptr)(memory), count) // as numbers: Go must not take what malloc left there for pointers
	rest := unsafe.Slice((*byte)(memory), bytes)
	at := count * pointer
	for i := range pointers {
		pointers[i] = 0
		if one, ok := text(i); ok {
			pointers[i] = uintptr(memory) + uintptr(at)
			at += copy(rest[at:], one)
			rest[at] = 0
			at++
		}
	}
	return texts{memory}
}

// bytesOf is the string's memory, which must not be written.
func bytesOf(text string) []byte {
	if text == "" {
		return []byte{}
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&text)), len(text))
}

func idTexts(ids []string, field func(i int) string) (texts, error) {
	for i, id := range ids {
		if hasNUL(id) {
			return texts{}, invalid(field(i), field(i)+" has a NUL byte")
		}
	}
	return makeTexts(len(ids), func(i int) ([]byte, bool) { return bytesOf(ids[i]), true }), nil
}

func pathTexts(paths []string, field string) (texts, error) {
	return idTexts(paths, func(i int) string { return field + "[" + strconv.Itoa(i) + "]" })
}

// stringsAt copies an array of texts in C's memory; nil if there are none.
func stringsAt(array **C.char, count C.size_t) []string {
	var copied []string
	for _, text := range unsafe.Slice(array, int(count)) {
		copied = append(copied, C.GoString(text))
	}
	return copied
}

func payloadTexts(payloads []json.RawMessage) (texts, error) {
	for i, payload := range payloads {
		for _, b := range payload {
			if b == 0 {
				field := "documents[" + strconv.Itoa(i) + "].payload"
				return texts{}, invalid(field, field+" has a NUL byte")
			}
		}
	}
	return makeTexts(len(payloads), func(i int) ([]byte, bool) { return payloads[i], payloads[i] != nil }), nil
}

// cText is one text in C's memory; the caller frees it.
func cText(text, field string) (*C.char, error) {
	if hasNUL(text) {
		return nil, invalid(field, field+" has a NUL byte")
	}
	return C.CString(text), nil
}

func floats(values []float32) *C.float {
	if len(values) == 0 {
		return &noFloats
	}
	return (*C.float)(unsafe.Pointer(&values[0]))
}

var noFloats C.float // something to point to

// copyFloats is Go's copy of C's values; nil for none.
func copyFloats(values *C.float, count int) []float32 {
	if values == nil || count == 0 {
		return nil
	}
	return append(make([]float32, 0, count), unsafe.Slice((*float32)(unsafe.Pointer(values)), count)...)
}

// raw is a payload's text; nil for NULL.
func raw(text *C.char) json.RawMessage {
	if text == nil {
		return nil
	}
	return json.RawMessage(C.GoString(text))
}

// milliseconds of a duration, rounded up, at most what the library takes.
func milliseconds(d time.Duration) C.uint32_t {
	ms := (d + time.Millisecond - 1) / time.Millisecond
	switch {
	case ms < 0:
		return 0
	case ms > math.MaxUint32:
		return math.MaxUint32
	}
	return C.uint32_t(ms)
}

// left is the time until the context's deadline, at most `bound`, if that is not 0; 0 if neither sets one.
func left(ctx context.Context, bound time.Duration) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return bound
	}
	until := time.Until(deadline)
	if until < time.Millisecond {
		until = time.Millisecond
	}
	if bound != 0 && bound < until {
		return bound
	}
	return until
}

type answer[T any] struct {
	value T
	err   error
}

// detached runs what may wait for long: the caller goes on when the context is done, and what is then answered is dropped.
func detached[T any](ctx context.Context, call func() (T, error)) (T, error) {
	if ctx.Done() == nil {
		return call()
	}
	answers := make(chan answer[T], 1)
	go func() {
		value, err := call()
		answers <- answer[T]{value, err}
	}()
	select {
	case got := <-answers:
		return got.value, got.err
	case <-ctx.Done():
		var none T
		return none, canceled(ctx)
	}
}
