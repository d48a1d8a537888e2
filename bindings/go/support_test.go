package ndb

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

var ctx = context.Background()

// must gives the value or panics, which fails the test with its stack.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// countHandles fails the test if handles of the library are left when it ends; call it first.
func countHandles(t *testing.T) {
	before := liveHandles.Load()
	t.Cleanup(func() {
		deadline := time.Now().Add(time.Minute) // calls that nobody waits for any more may still hold one
		for liveHandles.Load() != before && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if left := liveHandles.Load() - before; left != 0 {
			t.Errorf("%d handles are left", left)
		}
	})
}

func openDatabase(t *testing.T) *Database {
	countHandles(t)
	db := must(Open(t.TempDir(), nil))
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// openDocs has a, b, c at 0, 1 and 2 on the first axis.
func openDocs(t *testing.T) (*Database, *Collection) {
	db := openDatabase(t)
	docs := must(db.CreateCollection(ctx, "docs", CollectionConfig{Dim: 2, Distance: Euclidean}))
	t.Cleanup(func() { docs.Close() })
	must(docs.InsertBatch(ctx, []Document{
		{ID: "a", Vector: []float32{0, 0}, Payload: MustJSON(map[string]any{"n": 0, "tags": []string{"x"}})},
		{ID: "b", Vector: []float32{1, 0}, Payload: MustJSON(map[string]any{"n": 1, "tags": []string{"x", "y"}})},
		{ID: "c", Vector: []float32{2, 0}},
	}))
	return db, docs
}

func matchIDs(result SearchResult) string {
	var ids strings.Builder
	for _, match := range result.Matches {
		ids.WriteString(match.ID)
	}
	return ids.String()
}

func documentIDs(documents []Document) string {
	var ids strings.Builder
	for _, document := range documents {
		ids.WriteString(document.ID)
	}
	return ids.String()
}

func equal[T any](t *testing.T, got, want T) {
	t.Helper()
	if any(got) != any(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// refused checks the code and, unless it is "", the field.
func refused(t *testing.T, err error, code Code, field string) {
	t.Helper()
	var failure *Error
	if !errors.As(err, &failure) || !errors.Is(err, code) {
		t.Errorf("got %v, want %v", err, code)
	} else if field != "" && failure.Field != field {
		t.Errorf("the field is %q, want %q (%v)", failure.Field, field, err)
	} else if failure.Message == "" {
		t.Error("there is no message")
	}
}

func residentBytes() int {
	runtime.GC()
	status := string(must(os.ReadFile("/proc/self/statm")))
	pages := 0
	for _, digit := range strings.Fields(status)[1] {
		pages = pages*10 + int(digit-'0')
	}
	return pages * os.Getpagesize()
}
