package ndb

// #include <stdlib.h>
// #include <ndb.h>
//
// typedef struct { const char* id; const char* payload; const float* vector; float score; } ndb_go_match;
// typedef struct { size_t matches; uint64_t seq, manifest_version, took_us; const char* plan; } ndb_go_answer;
//
// /* All of one answer in one call: each costs Go more than it costs C. */
// static ndb_go_answer ndb_go_read(const ndb_results* results, size_t search, ndb_go_match* matches, size_t capacity) {
//   ndb_result_info info = NDB_RESULT_INFO_INIT;
//   ndb_results_info(results, search, &info, NULL);
//   ndb_go_answer answer = {ndb_results_matches(results, search), info.seq, info.manifest_version, info.took_us, ndb_results_plan(results, search)};
//   if (answer.matches > capacity) answer.matches = capacity;
//   for (size_t i = 0; i < answer.matches; ++i) {
//     matches[i].id = ndb_results_id(results, search, i);
//     matches[i].payload = ndb_results_payload(results, search, i);
//     matches[i].vector = ndb_results_vector(results, search, i, NULL);
//     matches[i].score = ndb_results_score(results, search, i);
//   }
//   return answer;
// }
// static ndb_code ndb_go_search(const ndb_collection* in, const float* query, size_t dim, const ndb_search_options* options, ndb_go_match* matches,
//                               size_t capacity, ndb_results** results, ndb_go_answer* answer, ndb_error** error) {
//   const ndb_code code = ndb_search(in, query, dim, options, results, error);
//   if (code == NDB_OK) *answer = ndb_go_read(*results, 0, matches, capacity);
//   return code;
// }
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unsafe"
)

// Search is what to look for, and how; the zero value of each field but Vector is its default.
type Search struct {
	Vector         []float32     // dim finite values; SearchBatch has them apart
	TopK           uint32        // matches wanted, 1 to 10,000; 0: 10
	Exact          bool          // scan rather than walk the graph
	EF             uint32        // candidates while walking the graph; 0: the collection's
	Recall         float64       // instead of EF: the share of the true nearest wanted, in (0, 1]
	Filter         Filter        // which documents may match
	WithoutPayload bool          // matches come without their payload
	WithVector     bool          // matches come with their vector
	MinSeq         uint64        // wait until this write is visible here
	Timeout        time.Duration // for waiting and searching together; 0: 1 s for waiting, none for searching
	Explain        bool          // fill SearchResult.Plan
}

// Match is one of a search's matches.
type Match struct {
	ID      string
	Score   float32
	Payload json.RawMessage // nil if it has none, or was not wanted
	Vector  []float32       // if it was wanted
}

// SearchResult holds the matches, best first, and the state they were computed at.
type SearchResult struct {
	Matches         []Match
	Seq             uint64 // every write up to it was seen, and none after
	ManifestVersion uint64
	Took            time.Duration
	Plan            string // "exact", "codes", "cells", "graph", "filtered_graph", "two_hop", joined by "+", if it was asked for
}

const (
	defaultTopK = 10
	mostMatches = 10_000 // the library refuses more
)

// Search answers the nearest documents. ErrReplicaLagging if MinSeq is not reached in time.
func (c *Collection) Search(ctx context.Context, search Search) (SearchResult, error) {
	if search.MinSeq != 0 {
		return detached(ctx, func() (SearchResult, error) { return c.search(ctx, search) })
	}
	return c.search(ctx, search)
}

func (c *Collection) search(ctx context.Context, search Search) (SearchResult, error) {
	options, err := cSearch(ctx, &search)
	if err != nil {
		return SearchResult{}, err
	}
	defer C.free(unsafe.Pointer(options.filter))
	matches := make([]C.ndb_go_match, room(options))
	var results *C.ndb_results
	var answer C.ndb_go_answer
	err = c.use(ctx, func(in *C.ndb_collection, failure **C.ndb_error) C.ndb_code {
		return C.ndb_go_search(in, floats(search.Vector), C.size_t(len(search.Vector)), &options, &matches[0], C.size_t(len(matches)), &results, &answer, failure)
	})
	if err != nil {
		return SearchResult{}, err
	}
	result := c.result(answer, matches)
	C.ndb_results_free(results)
	return result, nil
}

// SearchBatch answers as many searches at once, in parallel and all at one state. search.Vector is not used.
func (c *Collection) SearchBatch(ctx context.Context, vectors [][]float32, search Search) ([]SearchResult, error) {
	dim := int(c.config.Dim)
	queries := make([]float32, 0, len(vectors)*dim)
	for i, vector := range vectors {
		if len(vector) != dim {
			field := fmt.Sprintf("searches[%d].vector", i)
			return nil, invalid(field, fmt.Sprintf("%s has %d elements; the collection has dim %d", field, len(vector), dim))
		}
		queries = append(queries, vector...)
	}
	if search.MinSeq != 0 {
		return detached(ctx, func() ([]SearchResult, error) { return c.searchBatch(ctx, queries, len(vectors), search) })
	}
	return c.searchBatch(ctx, queries, len(vectors), search)
}

func (c *Collection) searchBatch(ctx context.Context, queries []float32, count int, search Search) ([]SearchResult, error) {
	options, err := cSearch(ctx, &search)
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(options.filter))
	var results *C.ndb_results
	err = c.use(ctx, func(in *C.ndb_collection, failure **C.ndb_error) C.ndb_code {
		return C.ndb_search_batch(in, C.size_t(count), floats(queries), C.size_t(c.config.Dim), &options, &results, failure)
	})
	if err != nil {
		return nil, err
	}
	defer C.ndb_results_free(results)
	matches := make([]C.ndb_go_match, room(options))
	answers := make([]SearchResult, C.ndb_results_count(results))
	for i := range answers {
		answers[i] = c.result(C.ndb_go_read(results, C.size_t(i), &matches[0], C.size_t(len(matches))), matches)
	}
	return answers, nil
}

// room is how many matches there may be.
func room(options C.ndb_search_options) int {
	if options.top_k < 1 || options.top_k > mostMatches {
		return 1
	}
	return int(options.top_k)
}

// cSearch are the options, whose filter the caller frees.
func cSearch(ctx context.Context, search *Search) (C.ndb_search_options, error) {
	options := C.ndb_search_options{}
	options.size = C.size_t(unsafe.Sizeof(options))
	options.top_k = defaultTopK
	if search.TopK != 0 {
		options.top_k = C.uint32_t(search.TopK)
	}
	options.ef = C.uint32_t(search.EF)
	options.recall = C.double(search.Recall)
	options.approximate = C.bool(!search.Exact)
	options.with_payload = C.bool(!search.WithoutPayload)
	options.with_vector = C.bool(search.WithVector)
	options.explain = C.bool(search.Explain)
	options.min_seq = C.uint64_t(search.MinSeq)
	options.timeout_ms = milliseconds(left(ctx, search.Timeout))
	filter, err := search.Filter.text()
	options.filter = filter
	return options, err
}

func (c *Collection) result(answer C.ndb_go_answer, matches []C.ndb_go_match) SearchResult {
	result := SearchResult{
		Matches: make([]Match, answer.matches), Seq: uint64(answer.seq), ManifestVersion: uint64(answer.manifest_version),
		Took: time.Duration(answer.took_us) * time.Microsecond,
	}
	if answer.plan != nil {
		result.Plan = C.GoString(answer.plan)
	}
	for i := range result.Matches {
		match := &matches[i]
		result.Matches[i] = Match{C.GoString(match.id), float32(match.score), raw(match.payload), copyFloats(match.vector, int(c.config.Dim))}
	}
	return result
}
