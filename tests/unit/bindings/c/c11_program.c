/* Every function of ndb.h, once, from a C11 program: ends with 0, or says which line went otherwise. */
#define _POSIX_C_SOURCE 200809L
#include <ndb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition)                                                    \
  do {                                                                       \
    if (!(condition)) {                                                      \
      fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #condition,            \
              ndb_error_message(error));                                     \
      exit(1);                                                               \
    }                                                                        \
  } while (0)
#define OK(call) EXPECT((call) == NDB_OK)

static ndb_error* error = NULL;

static void check_documents(ndb_collection* docs) {
  const char* ids[] = {"a", "b", "nobody"};
  const float vectors[] = {1, 0, 0, 1};
  const char* payloads[] = {"{\"n\":1}", NULL};
  ndb_write_result result = NDB_WRITE_RESULT_INIT;
  OK(ndb_insert_batch(docs, 2, ids, vectors, 2, payloads, &result, &error));
  EXPECT(result.inserted == 2 && result.seq == 2);
  OK(ndb_insert(docs, "c", vectors, 2, "{\"n\":3}", &result, &error));
  uint64_t count = 0;
  OK(ndb_count(docs, "{\"n\":{\"$exists\":true}}", &count, &error));
  EXPECT(count == 2);
  ndb_documents* documents = NULL;
  OK(ndb_get(docs, "a", &documents, &error));
  size_t dim = 0;
  EXPECT(ndb_documents_count(documents) == 1 && strcmp(ndb_documents_id(documents, 0), "a") == 0);
  EXPECT(ndb_documents_vector(documents, 0, &dim)[0] == 1.0F && dim == 2);
  EXPECT(strcmp(ndb_documents_payload(documents, 0), "{\"n\":1}") == 0);
  ndb_documents_free(documents);
  OK(ndb_get_many(docs, 3, ids, &documents, &error));
  EXPECT(ndb_documents_missing_count(documents) == 1 && strcmp(ndb_documents_missing(documents, 0), "nobody") == 0);
  ndb_documents_free(documents);
  OK(ndb_scroll(docs, NULL, 1, NULL, &documents, &error));
  EXPECT(strcmp(ndb_documents_next(documents), "a") == 0);
  ndb_documents_free(documents);
  OK(ndb_remove(docs, "a", &result, &error));
  OK(ndb_remove_many(docs, 3, ids, &result, &error));
  EXPECT(result.deleted == 1);
  OK(ndb_remove_where(docs, "{\"n\":7}", &result, &error));
  EXPECT(result.deleted == 0);
  OK(ndb_wait_for(docs, result.seq, 1000, &error));
}

static void check_search(ndb_collection* docs) {
  const float queries[] = {1, 0, 0, 1};
  ndb_search_options options = NDB_SEARCH_OPTIONS_INIT;
  options.explain = true;
  options.with_vector = true;
  ndb_results* results = NULL;
  OK(ndb_search(docs, queries, 2, &options, &results, &error));
  EXPECT(ndb_results_count(results) == 1 && ndb_results_matches(results, 0) == 1);
  EXPECT(strcmp(ndb_results_id(results, 0, 0), "c") == 0 && ndb_results_score(results, 0, 0) > 0.999F);
  EXPECT(strcmp(ndb_results_payload(results, 0, 0), "{\"n\":3}") == 0);
  EXPECT(ndb_results_vector(results, 0, 0, NULL)[0] == 1.0F);
  EXPECT(strcmp(ndb_results_plan(results, 0), "exact") == 0);
  ndb_result_info info = NDB_RESULT_INFO_INIT;
  OK(ndb_results_info(results, 0, &info, &error));
  EXPECT(info.seq == 5);
  ndb_results_free(results);
  OK(ndb_search_batch(docs, 2, queries, 2, NULL, &results, &error));
  EXPECT(ndb_results_count(results) == 2);
  ndb_results_free(results);
}

static void check_upkeep(ndb_collection* docs) {
  uint64_t version = 0;
  bool indexed = true;
  OK(ndb_acquire_write_lock(docs, &error));
  OK(ndb_flush(docs, true, &version, &error));
  OK(ndb_compact(docs, true, &version, &error));
  OK(ndb_rebuild_index(docs, true, &version, &error));
  OK(ndb_delete_index(docs, &version, &error));
  OK(ndb_has_index(docs, &indexed, &error));
  EXPECT(!indexed && version > 0);
  ndb_index_stats_result index = NDB_INDEX_STATS_INIT;
  OK(ndb_index_stats(docs, &index, &error));
  EXPECT(!index.enabled && index.unindexed_rows == 1);
  ndb_stats_result stats = NDB_STATS_INIT;
  OK(ndb_stats(docs, &stats, &error));
  EXPECT(stats.documents == 1 && stats.writable);
  ndb_collection_config config = NDB_COLLECTION_CONFIG_INIT;
  OK(ndb_config(docs, &config, &error));
  EXPECT(config.dim == 2 && config.distance == NDB_COSINE && strcmp(ndb_collection_name(docs), "docs") == 0);
  char* text = NULL;
  OK(ndb_stats_json(docs, &text, &error));
  ndb_text_free(text);
  OK(ndb_manifest(docs, &text, &error));
  ndb_text_free(text);
  OK(ndb_replicas_json(docs, &text, &error));
  ndb_text_free(text);
}

static void check_errors(ndb_database* database) {
  ndb_collection* none = (ndb_collection*)database; /* set to NULL by the failing call */
  EXPECT(ndb_get_collection(database, "nothing", &none, &error) == NDB_NOT_FOUND && none == NULL);
  EXPECT(ndb_error_code(error) == NDB_NOT_FOUND && strcmp(ndb_error_field(error), "name") == 0);
  EXPECT(strcmp(ndb_code_name(ndb_error_code(error)), "not_found") == 0 && strlen(ndb_error_message(error)) > 0);
  ndb_error_free(error);
  error = NULL;
}

int main(void) {
  char folder[] = "/tmp/ndb-c11-XXXXXX";
  EXPECT(mkdtemp(folder) != NULL);
  printf("libndb_c %s in %s\n", ndb_version(), folder);

  ndb_options options = NDB_OPTIONS_INIT;
  ndb_database* database = NULL;
  ndb_database* second = NULL;
  OK(ndb_open(folder, &options, &database, &error));
  OK(ndb_open(folder, NULL, &second, &error));
  ndb_release(second);
  ndb_collection_config config = NDB_COLLECTION_CONFIG_INIT;
  config.dim = 2;
  ndb_collection* docs = NULL;
  OK(ndb_create_collection(database, "docs", &config, &docs, &error));
  check_documents(docs);
  check_search(docs);
  check_upkeep(docs);
  check_errors(database);
  ndb_collection_free(docs);

  bool there = false;
  ndb_strings* names = NULL;
  OK(ndb_has_collection(database, "docs", &there, &error));
  OK(ndb_list_collections(database, &names, &error));
  EXPECT(there && ndb_strings_count(names) == 1 && strcmp(ndb_strings_get(names, 0), "docs") == 0);
  ndb_strings_free(names);
  OK(ndb_drop_collection(database, "docs", &error));
  OK(ndb_close(database, &error));
  return remove(folder) == 0 ? 0 : 2;
}
