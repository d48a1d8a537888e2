/* nDB from C, and from everything that calls C: a vector database inside the program. Link libndb_c (pkg-config ndb).
 *
 * Ownership
 *   1. What a function hands out through `out` belongs to the caller and is given back to the function that its type names:
 *      ndb_release or ndb_close, ndb_collection_free, ndb_results_free, ndb_documents_free, ndb_strings_free, ndb_text_free,
 *      ndb_error_free. Each takes NULL.
 *   2. Pointers that accessors answer (ids, payloads, vectors, messages) belong to the object they were asked of and live
 *      as long as it.
 *   3. What is passed in is only read, and only during the call.
 *   4. A collection's handle keeps its database open: handles may be freed in any order.
 *   5. If a call fails, `out` is set to NULL, structs to be filled are as they were, and `*error`, if `error` is not NULL,
 *      is a new ndb_error. If it succeeds, `*error` is not touched: initialize it with NULL.
 *
 * Errors: each function answers NDB_OK or a code. `error` may be NULL for who only wants the code. A refused call changes nothing.
 *
 * Threads
 *   6. Handles may be used by any number of threads at once; one that is being freed by none.
 *   7. Results, documents, strings and errors never change: any number of threads may read them.
 *   8. After fork() the child must not go on with the parent's handles: they answer NDB_UNAVAILABLE. It opens the database anew.
 *
 * Processes: any number may open one folder. The first mutation of a collection takes its write lock, kept until the last
 * handle is gone; another process that writes gets NDB_COLLECTION_LOCKED with the holder's pid and host. Reading takes no
 * lock, and sees each acknowledged write.
 *
 * Layout: structs begin with their size and grow only at their end. Initialize them with the macro beside them, which also
 * states every default; then programs go on working with newer libraries, and older libraries refuse what they do not know.
 * Texts are UTF-8 that ends with NUL. Payloads and filters are JSON: {"year":{"$gte":2020}}; see docs/http.md for filters.
 */
#ifndef NDB_H
#define NDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef NDB_API
#define NDB_API __attribute__((visibility("default")))
#endif

/* --- errors -------------------------------------------------------------------------------------------------------- */

typedef enum ndb_code {
  NDB_OK = 0,
  NDB_INVALID_ARGUMENT = 1,  /* the request itself is wrong; the field says where */
  NDB_NOT_FOUND = 2,         /* no such collection, document or index */
  NDB_ALREADY_EXISTS = 3,    /* the collection exists already */
  NDB_COLLECTION_LOCKED = 4, /* another process holds the write lock; the message names its pid and host */
  NDB_FENCED = 5,            /* another writer has taken over */
  NDB_CORRUPTION = 6,        /* a file is damaged; the message names file and offset */
  NDB_IO_ERROR = 7,          /* the operating system failed a call */
  NDB_NO_SPACE = 8,          /* the volume is full */
  NDB_READ_ONLY = 9,         /* opened read-only, or turned read-only after a failed write */
  NDB_REPLICA_LAGGING = 10,  /* min_seq was not reached in time */
  NDB_TIMEOUT = 11,          /* the deadline passed */
  NDB_OVERLOADED = 12,       /* too much is waiting; try again later */
  NDB_UNAUTHENTICATED = 13,  /* no valid key was given (daemons only) */
  NDB_PERMISSION_DENIED = 14,/* the operating system does not allow it */
  NDB_UNAVAILABLE = 15,      /* not ready: closed, or inherited over a fork(); a dropped collection is NDB_NOT_FOUND */
  NDB_INTERNAL = 16          /* a bug in nDB, or no memory */
} ndb_code;

typedef struct ndb_error ndb_error;

/* "invalid_argument" for NDB_INVALID_ARGUMENT, and so on; "ok" for NDB_OK. Never NULL. */
NDB_API const char* ndb_code_name(ndb_code code);
/* NULL is NDB_OK with empty texts. */
NDB_API ndb_code ndb_error_code(const ndb_error* error);
NDB_API const char* ndb_error_message(const ndb_error* error);
/* Which part of the request it is about ("documents[3].vector[17]"), or "". */
NDB_API const char* ndb_error_field(const ndb_error* error);
NDB_API void ndb_error_free(ndb_error* error);

/* The library's version, "0.1.0". */
NDB_API const char* ndb_version(void);
NDB_API void ndb_text_free(char* text);

/* --- databases ----------------------------------------------------------------------------------------------------- */

typedef struct ndb_database ndb_database;
typedef struct ndb_collection ndb_collection;
typedef struct ndb_strings ndb_strings;

typedef struct ndb_options {
  size_t size;
  bool read_only;              /* never lock, never write a byte; mutations answer NDB_READ_ONLY */
  bool shared_memory;          /* wake-ups between processes of a host; without it they poll */
  uint32_t index_threads;      /* for building graphs; 0: all cores */
  uint32_t index_min_rows;     /* segments with fewer rows are scanned rather than indexed */
  uint32_t sync_interval_ms;   /* buffered writes are synced at most this long after they were acknowledged */
  uint32_t poll_interval_ms;   /* how often a reader looks at the files when nothing wakes it */
  uint64_t gc_grace_ms;        /* how long files that nothing names are kept for readers on other hosts */
  uint64_t memtable_bytes;     /* documents held in memory before they are flushed to a segment */
  uint64_t segment_max_rows;   /* up to which compaction merges segments */
  uint64_t merge_mb_per_second; /* MiB that merges and new graphs write a second at most, up to 4,294,967,295; 0: no limit */
} ndb_options;
#define NDB_OPTIONS_INIT {sizeof(ndb_options), false, true, 0, 1000, 100, 50, 900000, (uint64_t)64 << 20, 4000000, 0}

typedef enum ndb_distance { NDB_COSINE = 0, NDB_DOT = 1, NDB_EUCLIDEAN = 2 } ndb_distance;
typedef enum ndb_durability { NDB_BUFFERED = 0, NDB_SYNC = 1 } ndb_durability;
typedef enum ndb_quantization { NDB_AUTO = 0, NDB_NONE = 1, NDB_SQ8 = 2, NDB_RABITQ = 3 } ndb_quantization;

typedef struct ndb_collection_config {
  size_t size;
  uint32_t dim;                  /* elements of a vector, 1 to 65,536; must be set */
  ndb_distance distance;         /* score: cosine similarity, dot product, or Euclidean distance (not squared) */
  ndb_durability durability;     /* acknowledged after write(2), or after fdatasync(2) */
  uint32_t hnsw_m;               /* links per node, 2 to 128 */
  uint32_t hnsw_ef_construction; /* candidates while building, m to 4,096 */
  uint32_t hnsw_ef_search;       /* candidates while searching, 1 to 16,384, unless a search says otherwise */
  ndb_quantization quantization; /* what graphs are walked on; matches are always ranked on the full vectors */
  /* Dotted paths of payload fields that filters find by an index. only: nothing but these, or with a count of 0 all that are not too large;
   * never: not these. Filters on other fields read payloads. From ndb_config they belong to the collection. */
  const char* const* attributes_only;
  size_t attributes_only_count;
  const char* const* attributes_never;
  size_t attributes_never_count;
} ndb_collection_config;
#define NDB_COLLECTION_CONFIG_INIT {sizeof(ndb_collection_config), 0, NDB_COSINE, NDB_BUFFERED, 16, 200, 64, NDB_AUTO, NULL, 0, NULL, 0}

/* Opens a folder, creating it unless read_only. options: NULL for the defaults. */
NDB_API ndb_code ndb_open(const char* folder, const ndb_options* options, ndb_database** out, ndb_error** error);
/* Syncs and releases everything that this process holds of the folder, for every handle of it (handles of one folder share one
 * engine; those that are left answer NDB_UNAVAILABLE), and frees this handle whatever the answer is. NULL is NDB_OK. */
NDB_API ndb_code ndb_close(ndb_database* database, ndb_error** error);
/* Frees this handle only: the engine closes when the last handle to the folder and its collections is gone. */
NDB_API void ndb_release(ndb_database* database);

/* NDB_ALREADY_EXISTS if there is one of that name ([A-Za-z0-9_-]{1,64}). */
NDB_API ndb_code ndb_create_collection(ndb_database* database, const char* name, const ndb_collection_config* config,
                                       ndb_collection** out, ndb_error** error);
NDB_API ndb_code ndb_get_collection(ndb_database* database, const char* name, ndb_collection** out, ndb_error** error);
NDB_API ndb_code ndb_has_collection(ndb_database* database, const char* name, bool* out, ndb_error** error);
NDB_API ndb_code ndb_list_collections(ndb_database* database, ndb_strings** out, ndb_error** error);
NDB_API ndb_code ndb_drop_collection(ndb_database* database, const char* name, ndb_error** error);

NDB_API size_t ndb_strings_count(const ndb_strings* strings);
/* NULL beyond the end. */
NDB_API const char* ndb_strings_get(const ndb_strings* strings, size_t index);
NDB_API void ndb_strings_free(ndb_strings* strings);

NDB_API void ndb_collection_free(ndb_collection* collection);
NDB_API const char* ndb_collection_name(const ndb_collection* collection);
NDB_API ndb_code ndb_config(const ndb_collection* collection, ndb_collection_config* out, ndb_error** error);

/* --- documents ----------------------------------------------------------------------------------------------------- */

typedef struct ndb_write_result {
  size_t size;
  uint64_t seq;       /* of the last operation; for ndb_wait_for and min_seq */
  uint64_t inserted;  /* ids that did not exist before */
  uint64_t replaced;
  uint64_t deleted;
  ndb_durability durability;
} ndb_write_result;
#define NDB_WRITE_RESULT_INIT {sizeof(ndb_write_result), 0, 0, 0, 0, NDB_BUFFERED}

/* Inserts or replaces. id: 1 to 512 bytes. vector: dim finite values, not all zero under cosine. payload: a JSON object, or NULL.
 * result may be NULL, here and below. */
NDB_API ndb_code ndb_insert(ndb_collection* collection, const char* id, const float* vector, size_t dim, const char* payload,
                            ndb_write_result* result, ndb_error** error);
/* All of them, or none. vectors: count * dim values, one document after the other. payloads: NULL, or count texts of which any may
 * be NULL. At most 100,000 documents and 256 MiB. */
NDB_API ndb_code ndb_insert_batch(ndb_collection* collection, size_t count, const char* const* ids, const float* vectors,
                                  size_t dim, const char* const* payloads, ndb_write_result* result, ndb_error** error);
/* NDB_NOT_FOUND if there is none. */
NDB_API ndb_code ndb_remove(ndb_collection* collection, const char* id, ndb_write_result* result, ndb_error** error);
/* Those that exist, atomically. */
NDB_API ndb_code ndb_remove_many(ndb_collection* collection, size_t count, const char* const* ids, ndb_write_result* result,
                                 ndb_error** error);
NDB_API ndb_code ndb_remove_where(ndb_collection* collection, const char* filter, ndb_write_result* result, ndb_error** error);

typedef struct ndb_documents ndb_documents;
/* One document; NDB_NOT_FOUND if there is none. */
NDB_API ndb_code ndb_get(const ndb_collection* collection, const char* id, ndb_documents** out, ndb_error** error);
/* In the order of the ids; those that do not exist are ndb_documents_missing. */
NDB_API ndb_code ndb_get_many(const ndb_collection* collection, size_t count, const char* const* ids, ndb_documents** out,
                              ndb_error** error);
/* Up to limit (1 to 10,000) documents that match, ordered by id, after the id `after` (NULL: from the first). filter: NULL for all. */
NDB_API ndb_code ndb_scroll(const ndb_collection* collection, const char* filter, uint32_t limit, const char* after,
                            ndb_documents** out, ndb_error** error);
NDB_API ndb_code ndb_count(const ndb_collection* collection, const char* filter, uint64_t* out, ndb_error** error);

/* Beyond the end, these answer NULL. */
NDB_API size_t ndb_documents_count(const ndb_documents* documents);
NDB_API const char* ndb_documents_id(const ndb_documents* documents, size_t index);
/* dim, which may be NULL, is set to the number of values. */
NDB_API const float* ndb_documents_vector(const ndb_documents* documents, size_t index, size_t* dim);
/* A JSON object, or NULL if it has none. */
NDB_API const char* ndb_documents_payload(const ndb_documents* documents, size_t index);
NDB_API size_t ndb_documents_missing_count(const ndb_documents* documents);
NDB_API const char* ndb_documents_missing(const ndb_documents* documents, size_t index);
/* Pass it as `after` for the next page; NULL at the end. */
NDB_API const char* ndb_documents_next(const ndb_documents* documents);
NDB_API void ndb_documents_free(ndb_documents* documents);

/* --- searching ----------------------------------------------------------------------------------------------------- */

typedef struct ndb_search_options {
  size_t size;
  uint32_t top_k;      /* matches wanted, 1 to 10,000 */
  uint32_t ef;         /* candidates while walking the graph; 0: the collection's ef_search */
  double recall;       /* instead of ef: the share of the true nearest wanted, in (0, 1]; 0: not given */
  bool approximate;    /* false scans exactly */
  bool with_payload;
  bool with_vector;
  bool explain;        /* fill ndb_results_plan */
  const char* filter;  /* JSON, or NULL */
  uint64_t min_seq;    /* wait until this write is visible here */
  uint32_t timeout_ms; /* for waiting and searching together; 0: 1 s for waiting, none for searching */
} ndb_search_options;
#define NDB_SEARCH_OPTIONS_INIT {sizeof(ndb_search_options), 10, 0, 0.0, true, true, false, false, NULL, 0, 0}

/* The answers to one or more searches, each with its matches, best first. */
typedef struct ndb_results ndb_results;

/* options: NULL for the defaults. */
NDB_API ndb_code ndb_search(const ndb_collection* collection, const float* query, size_t dim, const ndb_search_options* options,
                            ndb_results** out, ndb_error** error);
/* In parallel, all at one state. queries: count * dim values. */
NDB_API ndb_code ndb_search_batch(const ndb_collection* collection, size_t count, const float* queries, size_t dim,
                                  const ndb_search_options* options, ndb_results** out, ndb_error** error);

typedef struct ndb_result_info {
  size_t size;
  uint64_t seq; /* every write up to it was seen, and none after */
  uint64_t manifest_version;
  uint64_t took_us;
} ndb_result_info;
#define NDB_RESULT_INFO_INIT {sizeof(ndb_result_info), 0, 0, 0}

/* Number of searches answered, and number of matches of one. Beyond the end, what follows answers NULL or 0. */
NDB_API size_t ndb_results_count(const ndb_results* results);
NDB_API size_t ndb_results_matches(const ndb_results* results, size_t search);
NDB_API const char* ndb_results_id(const ndb_results* results, size_t search, size_t match);
NDB_API float ndb_results_score(const ndb_results* results, size_t search, size_t match);
NDB_API const char* ndb_results_payload(const ndb_results* results, size_t search, size_t match);
NDB_API const float* ndb_results_vector(const ndb_results* results, size_t search, size_t match, size_t* dim);
NDB_API ndb_code ndb_results_info(const ndb_results* results, size_t search, ndb_result_info* out, ndb_error** error);
/* How it was computed ("exact", "codes", "cells", "graph", "filtered_graph", "two_hop", joined by '+'), if explain was set. */
NDB_API const char* ndb_results_plan(const ndb_results* results, size_t search);
NDB_API void ndb_results_free(ndb_results* results);

/* --- upkeep -------------------------------------------------------------------------------------------------------- */

/* With wait, these return when it is published. manifest_version may be NULL. */
NDB_API ndb_code ndb_flush(ndb_collection* collection, bool wait, uint64_t* manifest_version, ndb_error** error);
NDB_API ndb_code ndb_compact(ndb_collection* collection, bool wait, uint64_t* manifest_version, ndb_error** error);
NDB_API ndb_code ndb_rebuild_index(ndb_collection* collection, bool wait, uint64_t* manifest_version, ndb_error** error);
/* Drops every graph and builds none until ndb_rebuild_index. */
NDB_API ndb_code ndb_delete_index(ndb_collection* collection, uint64_t* manifest_version, ndb_error** error);
NDB_API ndb_code ndb_has_index(const ndb_collection* collection, bool* out, ndb_error** error);

typedef struct ndb_index_stats_result {
  size_t size;
  bool enabled;  /* false after ndb_delete_index */
  bool building;
  uint64_t indexed_rows;
  uint64_t unindexed_rows;
  uint64_t graphs;
  uint64_t bytes;
  double progress; /* of the build under way, 0 to 1 */
} ndb_index_stats_result;
#define NDB_INDEX_STATS_INIT {sizeof(ndb_index_stats_result), false, false, 0, 0, 0, 0, 0.0}
NDB_API ndb_code ndb_index_stats(const ndb_collection* collection, ndb_index_stats_result* out, ndb_error** error);

typedef struct ndb_stats_result {
  size_t size;
  uint64_t documents; /* live ones */
  uint64_t deleted;   /* dead rows still in files or memtables */
  uint64_t seq;       /* everything up to it is visible here */
  uint64_t flushed_seq;
  uint64_t manifest_version;
  uint64_t epoch;
  uint64_t segments;
  uint64_t segment_bytes;
  uint64_t wal_bytes;
  uint64_t memtable_bytes;
  uint64_t memtable_documents;
  bool writable; /* this process holds the write lock */
} ndb_stats_result;
#define NDB_STATS_INIT {sizeof(ndb_stats_result), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false}
NDB_API ndb_code ndb_stats(const ndb_collection* collection, ndb_stats_result* out, ndb_error** error);
/* All of it, each segment included, as the HTTP interface words it. */
NDB_API ndb_code ndb_stats_json(const ndb_collection* collection, char** out, ndb_error** error);
/* The manifest in use. */
NDB_API ndb_code ndb_manifest(const ndb_collection* collection, char** out, ndb_error** error);
/* {"replicas":[…]}: readers that are known to this process, if it is the writer. */
NDB_API ndb_code ndb_replicas_json(const ndb_collection* collection, char** out, ndb_error** error);
/* Returns when everything up to seq is visible here; NDB_TIMEOUT otherwise. */
NDB_API ndb_code ndb_wait_for(const ndb_collection* collection, uint64_t seq, uint32_t timeout_ms, ndb_error** error);
/* Takes the write lock now rather than at the first mutation. */
NDB_API ndb_code ndb_acquire_write_lock(ndb_collection* collection, ndb_error** error);

#ifdef __cplusplus
}
#endif

#endif
