package ndb

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestMatchesComeBestFirstWithWhatWasAskedFor(t *testing.T) {
	_, docs := openDocs(t)
	result := must(docs.Search(ctx, Search{Vector: []float32{0, 0}, Explain: true}))
	equal(t, matchIDs(result), "abc")
	equal(t, fmt.Sprint(result.Matches[1].Score, result.Seq, result.Plan, result.Matches[1].Vector), "1 3exact[]")
	equal(t, strings.Contains(string(result.Matches[0].Payload), `"n":0`), true)
	equal(t, result.Matches[2].Payload == nil && result.ManifestVersion > 0 && result.Took >= 0, true)
	result = must(docs.Search(ctx, Search{Vector: []float32{0, 0}, TopK: 2, Exact: true, WithoutPayload: true, WithVector: true, MinSeq: 3, Timeout: time.Minute}))
	equal(t, matchIDs(result)+fmt.Sprint(result.Matches[1].Vector, result.Matches[1].Payload == nil)+result.Plan, "ab[1 0] true")
	results := must(docs.SearchBatch(ctx, [][]float32{{2, 0}, {0, 0}}, Search{TopK: 2, Filter: Exists("n", true)}))
	equal(t, len(results), 2)
	equal(t, matchIDs(results[0])+matchIDs(results[1]), "baab")
	equal(t, len(must(docs.SearchBatch(ctx, nil, Search{}))), 0)
}

func TestASearchThatCannotBeIsRefusedUnderItsField(t *testing.T) {
	_, docs := openDocs(t)
	zero := []float32{0, 0}
	for _, one := range []struct {
		field  string
		code   Code
		search Search
	}{
		{"top_k", ErrInvalidArgument, Search{Vector: zero, TopK: 10_001}}, {"ef", ErrInvalidArgument, Search{Vector: zero, EF: 1 << 30}},
		{"recall", ErrInvalidArgument, Search{Vector: zero, Recall: 2}}, {"vector", ErrInvalidArgument, Search{Vector: []float32{0}}}, {"vector", ErrInvalidArgument, Search{}},
		{"vector[0]", ErrInvalidArgument, Search{Vector: []float32{float32(math.Inf(1)), 0}}}, {"filter", ErrInvalidArgument, Search{Vector: zero, Filter: JSONFilter("n = 1")}},
		{"min_seq", ErrReplicaLagging, Search{Vector: zero, MinSeq: 99, Timeout: time.Millisecond}},
	} {
		_, err := docs.Search(ctx, one.search)
		refused(t, err, one.code, one.field)
	}
	_, err := docs.SearchBatch(ctx, [][]float32{zero, {1}}, Search{})
	refused(t, err, ErrInvalidArgument, "searches[1].vector")
}

func TestUpkeep(t *testing.T) {
	db := openDatabase(t)
	docs := must(db.CreateCollection(ctx, "docs", CollectionConfig{Dim: 4}))
	defer docs.Close()
	ids, vectors := make([]string, 1200), make([]float32, 4800)
	for i := range vectors {
		ids[i/4] = fmt.Sprintf("%04d", i/4)
		vectors[i] = float32(math.Sin(float64(i*i + 1)))
	}
	must(docs.InsertVectors(ctx, ids, vectors, nil))
	flushed := must(docs.Flush(ctx, true))
	equal(t, must(docs.RebuildIndex(ctx, true)) > flushed, true)
	equal(t, must(docs.HasIndex(ctx)), true)
	index := must(docs.IndexStats(ctx))
	equal(t, fmt.Sprint(index.Enabled, index.IndexedRows, index.UnindexedRows, index.Graphs), "true 1200 0 1")
	equal(t, must(docs.Search(ctx, Search{Vector: vectors[:4], Explain: true})).Plan, "graph")
	must(docs.RemoveMany(ctx, ids[:600]))
	must(docs.Compact(ctx, true))
	stats := must(docs.Stats(ctx))
	equal(t, fmt.Sprint(stats.Documents, stats.Seq, stats.Writable), "600 1800 true")
	must(docs.DeleteIndex(ctx))
	equal(t, must(docs.HasIndex(ctx)), false)
	equal(t, strings.HasPrefix(string(must(docs.StatsJSON(ctx))), `{"name":"docs"`), true)
	equal(t, strings.Contains(string(must(docs.Manifest(ctx))), `"segments"`), true)
	equal(t, strings.HasPrefix(string(must(docs.Replicas(ctx))), `{"replicas":`), true)
	equal(t, docs.AcquireWriteLock(ctx), nil)
	equal(t, docs.WaitFor(ctx, stats.Seq), nil)
	must(docs.Flush(ctx, false))
	equal(t, Version() != "", true)
}

// NDB_TEST_CALLS: how many calls (20,000 by default).
func TestCallsLeakNothing(t *testing.T) {
	calls := 20_000
	if given := os.Getenv("NDB_TEST_CALLS"); given != "" {
		calls = must(strconv.Atoi(given))
	}
	_, docs := openDocs(t)
	round := func(count int) int {
		for i := 0; i < count; i += 8 {
			for k := 0; k < 3; k++ {
				must(docs.Search(ctx, Search{Vector: []float32{1, 0}, Filter: Eq("n", 1), WithVector: true}))
			}
			must(docs.Get(ctx, "b"))
			must(docs.Count(ctx, Gte("n", 1)))
			must(docs.SearchBatch(ctx, [][]float32{{1, 0}, {0, 0}}, Search{}))
			if _, err := docs.Get(ctx, "nobody"); err == nil {
				t.Fatal("found")
			}
			if _, _, err := docs.Scroll(ctx, Filter{}, 2, "a"); err != nil {
				t.Fatal(err)
			}
		}
		return residentBytes()
	}
	round(calls / 10)
	before := round(calls / 10)
	after := round(calls)
	t.Logf("%d calls: %.1f MB before, %.1f MB after, %.1f bytes a call", calls, float64(before)/1e6, float64(after)/1e6, float64(after-before)/float64(calls))
	if after-before > 32e6+8*calls {
		t.Error("memory grows")
	}
}

// TestPage runs the programs of docs/go.md, each in a module of its own.
func TestPage(t *testing.T) {
	here := must(os.Getwd())
	page := string(must(os.ReadFile(filepath.Join(here, "../../docs/go.md"))))
	programs := regexp.MustCompile("(?ms)^```go\n(.*?)^```\n\nprints\n\n```text\n(.*?)^```$").FindAllStringSubmatch(page, -1)
	if len(programs) == 0 || len(programs) != strings.Count(page, "```go\n") {
		t.Fatal("every go block needs a text block behind it")
	}
	for _, program := range programs {
		folder := t.TempDir()
		module := "module program\n\ngo 1.19\n\nrequire ndb v0.0.0\n\nreplace ndb => " + here + "\n"
		for name, text := range map[string]string{"main.go": program[1], "go.mod": module} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		run := exec.Command("go", "run", ".")
		run.Dir = folder
		run.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off")
		run.Stderr = os.Stderr
		printed, err := run.Output()
		equal(t, err, nil)
		equal(t, string(printed), program[2])
	}
}

// tests/support/filter_cases.json, which every language is tested with.
func TestTheTableOfFilters(t *testing.T) {
	var table struct {
		Documents []*string
		Cases     []struct {
			Filter  string
			Matches []int
		}
	}
	if err := json.Unmarshal(must(os.ReadFile("../../tests/support/filter_cases.json")), &table); err != nil {
		t.Fatal(err)
	}
	db := openDatabase(t)
	docs := must(db.CreateCollection(ctx, "cases", CollectionConfig{Dim: 2, AttributesNever: []string{"text", "more.text"}}))
	defer docs.Close()
	equal(t, fmt.Sprint(docs.Config().AttributesOnly, docs.Config().AttributesNever), "[] [text more.text]")
	for i, payload := range table.Documents {
		document := Document{ID: strconv.Itoa(i), Vector: []float32{1, 1}}
		if payload != nil {
			document.Payload = json.RawMessage(*payload)
		}
		must(docs.Insert(ctx, document))
	}
	for _, flushed := range []bool{false, true} {
		if flushed {
			must(docs.Flush(ctx, true))
		}
		for _, one := range table.Cases {
			found := []int{}
			page, _, err := docs.Scroll(ctx, JSONFilter(one.Filter), 100, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, document := range page {
				found = append(found, must(strconv.Atoi(document.ID)))
			}
			equal(t, one.Filter+fmt.Sprint(found), one.Filter+fmt.Sprint(one.Matches))
			equal(t, must(docs.Count(ctx, JSONFilter(one.Filter))), uint64(len(one.Matches)))
		}
	}
}
