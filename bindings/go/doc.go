// Package ndb is nDB from Go: a vector database inside the program, over libndb_c.
//
//	db, err := ndb.Open("./data", nil)
//	docs, err := db.CreateCollection(ctx, "docs", ndb.CollectionConfig{Dim: 3})
//	_, err = docs.Insert(ctx, ndb.Document{ID: "red", Vector: []float32{1, 0, 0}, Payload: ndb.MustJSON(map[string]any{"nm": 700})})
//	result, err := docs.Search(ctx, ndb.Search{Vector: query, TopK: 10, Filter: ndb.Gte("nm", 600)})
//
// Errors: each failure of the engine is an *Error with a Code, which errors.Is knows: errors.Is(err, ndb.ErrNotFound). A refused call
// changes nothing.
//
// Contexts: nothing begins once the context is done. A search ends at the context's deadline; what waits (WaitFor, a search with MinSeq,
// Flush, Compact, RebuildIndex) returns as soon as the context is done, and goes on behind the scenes. A write that has begun is finished, and
// its outcome is told, whatever becomes of the context.
//
// Goroutines: everything may be used by any number at once.
//
// Processes: any number may open one folder. The first mutation of a collection takes its write lock, kept until Close; another process that
// writes gets ErrCollectionLocked. Reading takes no lock, and sees each acknowledged write.
//
// Close what was opened: collections hold memory outside of Go's heap. What is forgotten is freed when the garbage collector finds it.
//
// Texts (ids, names, filters) must not contain a NUL byte: libndb_c's end there.
package ndb
