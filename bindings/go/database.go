package ndb

// #cgo pkg-config: ndb
// #include <stdlib.h>
// #include <ndb.h>
//
// static ndb_options ndb_go_options(void) { ndb_options o = NDB_OPTIONS_INIT; return o; }
// static ndb_collection_config ndb_go_config(void) { ndb_collection_config c = NDB_COLLECTION_CONFIG_INIT; return c; }
import "C"

import (
	"context"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// Options of a database; the zero value of each field is its default.
type Options struct {
	ReadOnly       bool          // never lock, never write a byte; mutations fail with ErrReadOnly
	NoSharedMemory bool          // poll rather than be woken by the other processes of the host
	IndexThreads   uint32        // for building graphs; 0: all cores
	IndexMinRows   uint32        // segments with fewer rows are scanned rather than indexed; 0: 1,000
	SyncInterval   time.Duration // buffered writes are synced at most this long after they were acknowledged; 0: 100 ms
	PollInterval   time.Duration // how often a reader looks at the files when nothing wakes it; 0: 50 ms
	GCGrace        time.Duration // how long files that nothing names are kept for readers on other hosts; 0: 15 minutes
	MemtableBytes  uint64        // documents held in memory before they are flushed to a segment; 0: 64 MiB
	SegmentMaxRows uint64        // up to which compaction merges segments; 0: 4,000,000
	// MiB that merges and new graphs write a second at most; 0: no limit.
	MergeMBPerSecond uint64
}

// Distance says how vectors are compared, and what a score is.
type Distance int

const (
	Cosine    Distance = C.NDB_COSINE    // cosine similarity
	Dot       Distance = C.NDB_DOT       // dot product
	Euclidean Distance = C.NDB_EUCLIDEAN // Euclidean distance, not squared
)

// Durability says when a write is acknowledged.
type Durability int

const (
	Buffered Durability = C.NDB_BUFFERED // after write(2)
	Sync     Durability = C.NDB_SYNC     // after fdatasync(2)
)

// Quantization says what graphs are walked on; matches are always ranked on the full vectors.
type Quantization int

const (
	QuantizationAuto   Quantization = C.NDB_AUTO
	QuantizationNone   Quantization = C.NDB_NONE
	QuantizationSQ8    Quantization = C.NDB_SQ8
	QuantizationRaBitQ Quantization = C.NDB_RABITQ
)

// CollectionConfig is how a collection is set up, for good. The zero value of each field but Dim is its default.
type CollectionConfig struct {
	Dim            uint32 // elements of a vector, 1 to 65,536; must be set
	Distance       Distance
	Durability     Durability
	M              uint32 // links per node, 2 to 128; 0: 16
	EFConstruction uint32 // candidates while building; 0: 200
	EFSearch       uint32 // candidates while searching, unless a search says otherwise; 0: 64
	Quantization   Quantization
	// Dotted paths of payload fields that filters find by an index: nothing but AttributesOnly (empty: all that are not too large), and not
	// AttributesNever.
	AttributesOnly, AttributesNever []string
}

// Database is a folder that is open.
type Database struct {
	mu      sync.RWMutex
	pointer *C.ndb_database // nil once it is closed
}

// Open opens a folder, creating it unless options say ReadOnly. options may be nil. One engine serves all who open one folder in a process.
func Open(folder string, options *Options) (*Database, error) {
	path, err := cText(folder, "path")
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(path))
	given := cOptions(options)
	var pointer *C.ndb_database
	var failure *C.ndb_error
	if err := take(context.Background(), C.ndb_open(path, &given, &pointer, &failure), failure); err != nil {
		return nil, err
	}
	liveHandles.Add(1)
	db := &Database{pointer: pointer}
	runtime.SetFinalizer(db, (*Database).forget)
	return db, nil
}

func cOptions(options *Options) C.ndb_options {
	given := C.ndb_go_options()
	if options == nil {
		return given
	}
	given.read_only = C.bool(options.ReadOnly)
	given.shared_memory = C.bool(!options.NoSharedMemory)
	set32(&given.index_threads, options.IndexThreads)
	set32(&given.index_min_rows, options.IndexMinRows)
	set32(&given.sync_interval_ms, uint32(milliseconds(options.SyncInterval)))
	set32(&given.poll_interval_ms, uint32(milliseconds(options.PollInterval)))
	set64(&given.gc_grace_ms, uint64(milliseconds(options.GCGrace)))
	set64(&given.memtable_bytes, options.MemtableBytes)
	set64(&given.segment_max_rows, options.SegmentMaxRows)
	set64(&given.merge_mb_per_second, options.MergeMBPerSecond)
	return given
}

func set32(into *C.uint32_t, value uint32) {
	if value != 0 {
		*into = C.uint32_t(value)
	}
}

func set64(into *C.uint64_t, value uint64) {
	if value != 0 {
		*into = C.uint64_t(value)
	}
}

// Close syncs and releases everything that this process holds of the folder, through whichever handle; those that are left fail with
// ErrUnavailable. Closing twice is no error.
func (db *Database) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.pointer == nil {
		return nil
	}
	var failure *C.ndb_error
	code := C.ndb_close(db.pointer, &failure)
	db.gone()
	return take(context.Background(), code, failure)
}

// forget frees the handle only: the engine closes with the last one.
func (db *Database) forget() {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.pointer != nil {
		C.ndb_release(db.pointer)
		db.gone()
	}
}

func (db *Database) gone() {
	runtime.SetFinalizer(db, nil)
	db.pointer = nil
	liveHandles.Add(-1)
}

// use runs call with the handle, which stays open meanwhile.
func (db *Database) use(ctx context.Context, call func(failure **C.ndb_error) C.ndb_code) error {
	if err := canceled(ctx); err != nil {
		return err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.pointer == nil {
		return errClosed
	}
	var failure *C.ndb_error
	return take(ctx, call(&failure), failure)
}

// CreateCollection fails with ErrAlreadyExists if there is one of that name ([A-Za-z0-9_-]{1,64}).
func (db *Database) CreateCollection(ctx context.Context, name string, config CollectionConfig) (*Collection, error) {
	given := C.ndb_go_config()
	given.dim = C.uint32_t(config.Dim)
	given.distance = C.ndb_distance(config.Distance)
	given.durability = C.ndb_durability(config.Durability)
	set32(&given.hnsw_m, config.M)
	set32(&given.hnsw_ef_construction, config.EFConstruction)
	set32(&given.hnsw_ef_search, config.EFSearch)
	given.quantization = C.ndb_quantization(config.Quantization)
	only, err := pathTexts(config.AttributesOnly, "attributes.only")
	if err != nil {
		return nil, err
	}
	defer only.free()
	never, err := pathTexts(config.AttributesNever, "attributes.never")
	if err != nil {
		return nil, err
	}
	defer never.free()
	given.attributes_only, given.attributes_only_count = only.array(), C.size_t(len(config.AttributesOnly))
	given.attributes_never, given.attributes_never_count = never.array(), C.size_t(len(config.AttributesNever))
	return db.collection(ctx, name, func(text *C.char, out **C.ndb_collection, failure **C.ndb_error) C.ndb_code {
		return C.ndb_create_collection(db.pointer, text, &given, out, failure)
	})
}

// GetCollection fails with ErrNotFound if there is none. It takes no lock.
func (db *Database) GetCollection(ctx context.Context, name string) (*Collection, error) {
	return db.collection(ctx, name, func(text *C.char, out **C.ndb_collection, failure **C.ndb_error) C.ndb_code {
		return C.ndb_get_collection(db.pointer, text, out, failure)
	})
}

func (db *Database) collection(ctx context.Context, name string, call func(*C.char, **C.ndb_collection, **C.ndb_error) C.ndb_code) (*Collection, error) {
	text, err := cText(name, "name")
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(text))
	var pointer *C.ndb_collection
	if err := db.use(ctx, func(failure **C.ndb_error) C.ndb_code { return call(text, &pointer, failure) }); err != nil {
		return nil, err
	}
	return newCollection(name, pointer)
}

// HasCollection tells whether there is one of that name.
func (db *Database) HasCollection(ctx context.Context, name string) (bool, error) {
	text, err := cText(name, "name")
	if err != nil {
		return false, err
	}
	defer C.free(unsafe.Pointer(text))
	var there C.bool
	err = db.use(ctx, func(failure **C.ndb_error) C.ndb_code { return C.ndb_has_collection(db.pointer, text, &there, failure) })
	return bool(there), err
}

// ListCollections answers their names in order.
func (db *Database) ListCollections(ctx context.Context) ([]string, error) {
	var list *C.ndb_strings
	if err := db.use(ctx, func(failure **C.ndb_error) C.ndb_code { return C.ndb_list_collections(db.pointer, &list, failure) }); err != nil {
		return nil, err
	}
	defer C.ndb_strings_free(list)
	names := make([]string, C.ndb_strings_count(list))
	for i := range names {
		names[i] = C.GoString(C.ndb_strings_get(list, C.size_t(i)))
	}
	return names, nil
}

// DropCollection removes the collection and its files; ErrCollectionLocked if another process writes to it.
func (db *Database) DropCollection(ctx context.Context, name string) error {
	text, err := cText(name, "name")
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(text))
	return db.use(ctx, func(failure **C.ndb_error) C.ndb_code { return C.ndb_drop_collection(db.pointer, text, failure) })
}

// Version is the library's.
func Version() string { return C.GoString(C.ndb_version()) }
