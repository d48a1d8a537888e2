package ndb

// #include <stdlib.h>
// #include <ndb.h>
//
// static ndb_write_result ndb_go_write_result(void) { ndb_write_result r = NDB_WRITE_RESULT_INIT; return r; }
// static ndb_collection_config ndb_go_config_of(const ndb_collection* c) {
//   ndb_collection_config config = NDB_COLLECTION_CONFIG_INIT;
//   ndb_config(c, &config, NULL);
//   return config;
// }
// typedef struct { const char* id; const float* vector; const char* payload; } ndb_go_document;
// static void ndb_go_documents(const ndb_documents* from, ndb_go_document* to) {
//   for (size_t i = 0; i < ndb_documents_count(from); ++i) {
//     to[i].id = ndb_documents_id(from, i);
//     to[i].vector = ndb_documents_vector(from, i, NULL);
//     to[i].payload = ndb_documents_payload(from, i);
//   }
// }
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"unsafe"
)

// Collection is one collection of an open database.
type Collection struct {
	name   string
	config CollectionConfig
	handle *handle
}

// Document is what goes in and comes out.
type Document struct {
	ID      string          // 1 to 512 bytes of UTF-8
	Vector  []float32       // dim finite values, not all zero under cosine
	Payload json.RawMessage // a JSON object, or nil
}

// MustJSON is the payload that json.Marshal makes of a value; it panics if there is none.
func MustJSON(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

// WriteResult is what a write did.
type WriteResult struct {
	Seq        uint64 // of the last operation; for WaitFor and MinSeq
	Inserted   uint64 // ids that did not exist before
	Replaced   uint64
	Deleted    uint64
	Durability Durability
}

func newCollection(name string, pointer *C.ndb_collection) (*Collection, error) {
	config := C.ndb_go_config_of(pointer)
	free := func(p unsafe.Pointer) { C.ndb_collection_free((*C.ndb_collection)(p)) }
	return &Collection{name, CollectionConfig{
		Dim: uint32(config.dim), Distance: Distance(config.distance), Durability: Durability(config.durability), M: uint32(config.hnsw_m),
		EFConstruction: uint32(config.hnsw_ef_construction), EFSearch: uint32(config.hnsw_ef_search), Quantization: Quantization(config.quantization),
		AttributesOnly:  stringsAt(config.attributes_only, config.attributes_only_count),
		AttributesNever: stringsAt(config.attributes_never, config.attributes_never_count),
	}, newHandle(unsafe.Pointer(pointer), free)}, nil
}

// Name of the collection.
func (c *Collection) Name() string { return c.name }

// Config is how it was set up, with every default filled in.
func (c *Collection) Config() CollectionConfig { return c.config }

// Close frees the handle, when the calls that use it have returned. The engine goes on until the database is closed.
func (c *Collection) Close() error {
	c.handle.close()
	return nil
}

// use runs call with the handle, which stays valid meanwhile.
func (c *Collection) use(ctx context.Context, call func(c *C.ndb_collection, failure **C.ndb_error) C.ndb_code) error {
	if err := canceled(ctx); err != nil {
		return err
	}
	if !c.handle.acquire() {
		return errClosed
	}
	defer c.handle.release()
	var failure *C.ndb_error
	return take(ctx, call((*C.ndb_collection)(c.handle.pointer), &failure), failure)
}

func (c *Collection) write(ctx context.Context, call func(*C.ndb_collection, *C.ndb_write_result, **C.ndb_error) C.ndb_code) (WriteResult, error) {
	result := C.ndb_go_write_result()
	err := c.use(ctx, func(to *C.ndb_collection, failure **C.ndb_error) C.ndb_code { return call(to, &result, failure) })
	if err != nil {
		return WriteResult{}, err
	}
	return WriteResult{uint64(result.seq), uint64(result.inserted), uint64(result.replaced), uint64(result.deleted), Durability(result.durability)}, nil
}

// Insert inserts the document, or replaces the one of that id.
func (c *Collection) Insert(ctx context.Context, document Document) (WriteResult, error) {
	id, err := cText(document.ID, "id")
	if err != nil {
		return WriteResult{}, err
	}
	defer C.free(unsafe.Pointer(id))
	var payload *C.char
	if document.Payload != nil {
		if payload, err = cText(string(document.Payload), "payload"); err != nil {
			return WriteResult{}, err
		}
		defer C.free(unsafe.Pointer(payload))
	}
	vector, dim := floats(document.Vector), C.size_t(len(document.Vector))
	return c.write(ctx, func(to *C.ndb_collection, result *C.ndb_write_result, failure **C.ndb_error) C.ndb_code {
		return C.ndb_insert(to, id, vector, dim, payload, result, failure)
	})
}

// InsertBatch inserts or replaces all of them, or none.
func (c *Collection) InsertBatch(ctx context.Context, documents []Document) (WriteResult, error) {
	dim := int(c.config.Dim)
	ids := make([]string, len(documents))
	vectors := make([]float32, 0, len(documents)*dim)
	payloads := make([]json.RawMessage, len(documents))
	for i, document := range documents {
		if len(document.Vector) != dim {
			field := "documents[" + strconv.Itoa(i) + "].vector"
			return WriteResult{}, invalid(field, fmt.Sprintf("%s has %d elements; the collection has dim %d", field, len(document.Vector), dim))
		}
		ids[i], payloads[i] = document.ID, document.Payload
		vectors = append(vectors, document.Vector...)
	}
	return c.InsertVectors(ctx, ids, vectors, payloads)
}

// InsertVectors is InsertBatch for vectors that stand one after the other, len(ids) * dim values, which are not copied. payloads may be nil.
func (c *Collection) InsertVectors(ctx context.Context, ids []string, vectors []float32, payloads []json.RawMessage) (WriteResult, error) {
	if len(vectors) != len(ids)*int(c.config.Dim) {
		return WriteResult{}, invalid("vectors", fmt.Sprintf("there are %d numbers for %d ids; the collection has dim %d", len(vectors), len(ids), c.config.Dim))
	}
	if payloads != nil && len(payloads) != len(ids) {
		return WriteResult{}, invalid("payloads", fmt.Sprintf("there are %d payloads for %d ids", len(payloads), len(ids)))
	}
	names, err := idTexts(ids, func(i int) string { return "documents[" + strconv.Itoa(i) + "].id" })
	if err != nil {
		return WriteResult{}, err
	}
	defer names.free()
	var json **C.char
	if payloads != nil {
		texts, err := payloadTexts(payloads)
		if err != nil {
			return WriteResult{}, err
		}
		defer texts.free()
		json = texts.array()
	}
	return c.write(ctx, func(to *C.ndb_collection, result *C.ndb_write_result, failure **C.ndb_error) C.ndb_code {
		return C.ndb_insert_batch(to, C.size_t(len(ids)), names.array(), floats(vectors), C.size_t(c.config.Dim), json, result, failure)
	})
}

// Remove fails with ErrNotFound if there is none.
func (c *Collection) Remove(ctx context.Context, id string) (WriteResult, error) {
	text, err := cText(id, "id")
	if err != nil {
		return WriteResult{}, err
	}
	defer C.free(unsafe.Pointer(text))
	return c.write(ctx, func(from *C.ndb_collection, result *C.ndb_write_result, failure **C.ndb_error) C.ndb_code {
		return C.ndb_remove(from, text, result, failure)
	})
}

// RemoveMany removes those that exist, atomically.
func (c *Collection) RemoveMany(ctx context.Context, ids []string) (WriteResult, error) {
	names, err := idTexts(ids, func(i int) string { return "ids[" + strconv.Itoa(i) + "]" })
	if err != nil {
		return WriteResult{}, err
	}
	defer names.free()
	return c.write(ctx, func(from *C.ndb_collection, result *C.ndb_write_result, failure **C.ndb_error) C.ndb_code {
		return C.ndb_remove_many(from, C.size_t(len(ids)), names.array(), result, failure)
	})
}

// RemoveWhere removes what matches. The zero Filter, which matches all, is refused: too much would be gone by a mistake; And() stands for all.
func (c *Collection) RemoveWhere(ctx context.Context, filter Filter) (WriteResult, error) {
	if filter.isZero() {
		return WriteResult{}, invalid("filter", "filter is not set; And() stands for all documents")
	}
	text, err := filter.text()
	if err != nil {
		return WriteResult{}, err
	}
	defer C.free(unsafe.Pointer(text))
	return c.write(ctx, func(from *C.ndb_collection, result *C.ndb_write_result, failure **C.ndb_error) C.ndb_code {
		return C.ndb_remove_where(from, text, result, failure)
	})
}

// Get fails with ErrNotFound if there is none.
func (c *Collection) Get(ctx context.Context, id string) (Document, error) {
	text, err := cText(id, "id")
	if err != nil {
		return Document{}, err
	}
	defer C.free(unsafe.Pointer(text))
	page, err := c.documents(ctx, func(from *C.ndb_collection, out **C.ndb_documents, failure **C.ndb_error) C.ndb_code {
		return C.ndb_get(from, text, out, failure)
	})
	if err != nil {
		return Document{}, err
	}
	return page.documents[0], nil
}

// GetMany answers the documents in the order of the ids, and the ids that do not exist.
func (c *Collection) GetMany(ctx context.Context, ids []string) (documents []Document, missing []string, err error) {
	names, err := idTexts(ids, func(i int) string { return "ids[" + strconv.Itoa(i) + "]" })
	if err != nil {
		return nil, nil, err
	}
	defer names.free()
	page, err := c.documents(ctx, func(from *C.ndb_collection, out **C.ndb_documents, failure **C.ndb_error) C.ndb_code {
		return C.ndb_get_many(from, C.size_t(len(ids)), names.array(), out, failure)
	})
	return page.documents, page.missing, err
}

// Scroll answers up to limit (1 to 10,000) documents that match, ordered by id, after the id `after` ("": from the first), and what to pass as
// `after` for the next page; "" at the end.
func (c *Collection) Scroll(ctx context.Context, filter Filter, limit uint32, after string) (documents []Document, next string, err error) {
	text, err := filter.text()
	if err != nil {
		return nil, "", err
	}
	defer C.free(unsafe.Pointer(text))
	var from *C.char
	if after != "" {
		if from, err = cText(after, "after"); err != nil {
			return nil, "", err
		}
		defer C.free(unsafe.Pointer(from))
	}
	page, err := c.documents(ctx, func(of *C.ndb_collection, out **C.ndb_documents, failure **C.ndb_error) C.ndb_code {
		return C.ndb_scroll(of, text, C.uint32_t(limit), from, out, failure)
	})
	return page.documents, page.next, err
}

// Count answers how many documents match.
func (c *Collection) Count(ctx context.Context, filter Filter) (uint64, error) {
	text, err := filter.text()
	if err != nil {
		return 0, err
	}
	defer C.free(unsafe.Pointer(text))
	var count C.uint64_t
	err = c.use(ctx, func(of *C.ndb_collection, failure **C.ndb_error) C.ndb_code {
		return C.ndb_count(of, text, &count, failure)
	})
	return uint64(count), err
}

type page struct {
	documents []Document
	missing   []string
	next      string
}

func (c *Collection) documents(ctx context.Context, call func(*C.ndb_collection, **C.ndb_documents, **C.ndb_error) C.ndb_code) (page, error) {
	var out *C.ndb_documents
	if err := c.use(ctx, func(from *C.ndb_collection, failure **C.ndb_error) C.ndb_code { return call(from, &out, failure) }); err != nil {
		return page{}, err
	}
	defer C.ndb_documents_free(out)
	read := page{documents: make([]Document, C.ndb_documents_count(out)), missing: make([]string, C.ndb_documents_missing_count(out))}
	if len(read.documents) > 0 {
		found := make([]C.ndb_go_document, len(read.documents))
		C.ndb_go_documents(out, &found[0])
		for i, one := range found {
			read.documents[i] = Document{C.GoString(one.id), copyFloats(one.vector, int(c.config.Dim)), raw(one.payload)}
		}
	}
	for i := range read.missing {
		read.missing[i] = C.GoString(C.ndb_documents_missing(out, C.size_t(i)))
	}
	if next := C.ndb_documents_next(out); next != nil {
		read.next = C.GoString(next)
	}
	return read, nil
}
