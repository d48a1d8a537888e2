package ndb

// #include <ndb.h>
//
// static ndb_index_stats_result ndb_go_index_stats(void) { ndb_index_stats_result r = NDB_INDEX_STATS_INIT; return r; }
// static ndb_stats_result ndb_go_stats(void) { ndb_stats_result r = NDB_STATS_INIT; return r; }
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Stats are what a collection says about itself.
type Stats struct {
	Documents         uint64 // live ones
	Deleted           uint64 // dead rows still in files or memory
	Seq               uint64 // everything up to it is visible here
	FlushedSeq        uint64 // everything up to it is in segments
	ManifestVersion   uint64
	Epoch             uint64
	Segments          uint64
	SegmentBytes      uint64
	WALBytes          uint64
	MemtableBytes     uint64
	MemtableDocuments uint64
	Writable          bool // this process holds the write lock
}

// IndexStats are what there is of graphs.
type IndexStats struct {
	Enabled       bool // false after DeleteIndex, until RebuildIndex
	Building      bool
	IndexedRows   uint64
	UnindexedRows uint64
	Graphs        uint64
	Bytes         uint64
	Progress      float64 // of the build under way, 0 to 1
}

// publish runs what answers a manifest's version; with wait it may take long.
func (c *Collection) publish(ctx context.Context, wait bool, call func(*C.ndb_collection, *C.uint64_t, **C.ndb_error) C.ndb_code) (uint64, error) {
	publish := func() (uint64, error) {
		var version C.uint64_t
		err := c.use(ctx, func(of *C.ndb_collection, failure **C.ndb_error) C.ndb_code { return call(of, &version, failure) })
		return uint64(version), err
	}
	if wait {
		return detached(ctx, publish)
	}
	return publish()
}

// Flush writes what is in memory to a segment. With wait, it returns when that is published. This and the next three answer the manifest's version.
func (c *Collection) Flush(ctx context.Context, wait bool) (uint64, error) {
	return c.publish(ctx, wait, func(of *C.ndb_collection, version *C.uint64_t, failure **C.ndb_error) C.ndb_code {
		return C.ndb_flush(of, C.bool(wait), version, failure)
	})
}

// Compact merges segments and drops deleted rows.
func (c *Collection) Compact(ctx context.Context, wait bool) (uint64, error) {
	return c.publish(ctx, wait, func(of *C.ndb_collection, version *C.uint64_t, failure **C.ndb_error) C.ndb_code {
		return C.ndb_compact(of, C.bool(wait), version, failure)
	})
}

// RebuildIndex builds every graph anew, and turns indexing on again.
func (c *Collection) RebuildIndex(ctx context.Context, wait bool) (uint64, error) {
	return c.publish(ctx, wait, func(of *C.ndb_collection, version *C.uint64_t, failure **C.ndb_error) C.ndb_code {
		return C.ndb_rebuild_index(of, C.bool(wait), version, failure)
	})
}

// DeleteIndex drops every graph and builds none until RebuildIndex.
func (c *Collection) DeleteIndex(ctx context.Context) (uint64, error) {
	return c.publish(ctx, false, func(of *C.ndb_collection, version *C.uint64_t, failure **C.ndb_error) C.ndb_code {
		return C.ndb_delete_index(of, version, failure)
	})
}

// HasIndex tells whether there is a graph.
func (c *Collection) HasIndex(ctx context.Context) (bool, error) {
	var there C.bool
	err := c.use(ctx, func(of *C.ndb_collection, failure **C.ndb_error) C.ndb_code {
		return C.ndb_has_index(of, &there, failure)
	})
	return bool(there), err
}

// IndexStats tells what there is of graphs.
func (c *Collection) IndexStats(ctx context.Context) (IndexStats, error) {
	out := C.ndb_go_index_stats()
	err := c.use(ctx, func(of *C.ndb_collection, failure **C.ndb_error) C.ndb_code {
		return C.ndb_index_stats(of, &out, failure)
	})
	if err != nil {
		return IndexStats{}, err
	}
	return IndexStats{bool(out.enabled), bool(out.building), uint64(out.indexed_rows), uint64(out.unindexed_rows), uint64(out.graphs), uint64(out.bytes), float64(out.progress)}, nil
}

// Stats tells what there is of documents, files and memory.
func (c *Collection) Stats(ctx context.Context) (Stats, error) {
	out := C.ndb_go_stats()
	err := c.use(ctx, func(of *C.ndb_collection, failure **C.ndb_error) C.ndb_code { return C.ndb_stats(of, &out, failure) })
	if err != nil {
		return Stats{}, err
	}
	return Stats{
		uint64(out.documents), uint64(out.deleted), uint64(out.seq), uint64(out.flushed_seq), uint64(out.manifest_version), uint64(out.epoch),
		uint64(out.segments), uint64(out.segment_bytes), uint64(out.wal_bytes), uint64(out.memtable_bytes), uint64(out.memtable_documents), bool(out.writable),
	}, nil
}

// StatsJSON is all of it, each segment included, as the HTTP interface words it.
func (c *Collection) StatsJSON(ctx context.Context) (json.RawMessage, error) {
	return c.text(ctx, func(of *C.ndb_collection, out **C.char, failure **C.ndb_error) C.ndb_code {
		return C.ndb_stats_json(of, out, failure)
	})
}

// Manifest is the manifest in use.
func (c *Collection) Manifest(ctx context.Context) (json.RawMessage, error) {
	return c.text(ctx, func(of *C.ndb_collection, out **C.char, failure **C.ndb_error) C.ndb_code {
		return C.ndb_manifest(of, out, failure)
	})
}

// Replicas are the readers that are known to this process, if it is the writer: {"replicas":[…]}.
func (c *Collection) Replicas(ctx context.Context) (json.RawMessage, error) {
	return c.text(ctx, func(of *C.ndb_collection, out **C.char, failure **C.ndb_error) C.ndb_code {
		return C.ndb_replicas_json(of, out, failure)
	})
}

func (c *Collection) text(ctx context.Context, call func(*C.ndb_collection, **C.char, **C.ndb_error) C.ndb_code) (json.RawMessage, error) {
	var out *C.char
	if err := c.use(ctx, func(of *C.ndb_collection, failure **C.ndb_error) C.ndb_code { return call(of, &out, failure) }); err != nil {
		return nil, err
	}
	defer C.ndb_text_free(out)
	return raw(out), nil
}

// WaitFor returns when everything up to seq is visible here, or when the context is done; without a deadline, it waits without end.
func (c *Collection) WaitFor(ctx context.Context, seq uint64) error {
	const slice = 100 * time.Millisecond // so that a call that nobody waits for any more ends soon
	_, err := detached(ctx, func() (struct{}, error) {
		for {
			err := c.use(ctx, func(on *C.ndb_collection, failure **C.ndb_error) C.ndb_code {
				return C.ndb_wait_for(on, C.uint64_t(seq), milliseconds(left(ctx, slice)), failure)
			})
			if !errors.Is(err, ErrTimeout) || ctx.Err() != nil {
				return struct{}{}, err
			}
		}
	})
	return err
}

// AcquireWriteLock takes the write lock now rather than at the first mutation.
func (c *Collection) AcquireWriteLock(ctx context.Context) error {
	return c.use(ctx, func(of *C.ndb_collection, failure **C.ndb_error) C.ndb_code {
		return C.ndb_acquire_write_lock(of, failure)
	})
}
