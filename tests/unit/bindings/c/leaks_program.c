/* Calls of every kind, again and again: memory must not grow.   leaks_program [CALLS], or NDB_TEST_CALLS (20,000 by default) */
#define _POSIX_C_SOURCE 200809L
#include <ndb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OK(call)                                              \
  do {                                                        \
    if ((call) != NDB_OK) {                                   \
      fprintf(stderr, "line %d: %s\n", __LINE__, #call);      \
      exit(1);                                                \
    }                                                         \
  } while (0)

static long resident_bytes(void) {
  FILE* file = fopen("/proc/self/statm", "r");
  long total = 0;
  long pages = 0;
  if (file == NULL || fscanf(file, "%ld %ld", &total, &pages) != 2) exit(2);
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

static void ten_calls(ndb_database* database, ndb_collection* docs) {
  const float queries[] = {1, 0, 0, 0};
  const char* ids[] = {"a", "nobody"};
  ndb_search_options options = NDB_SEARCH_OPTIONS_INIT;
  options.filter = "{\"n\":1}";
  options.with_vector = true;
  ndb_results* results = NULL;
  for (int i = 0; i < 4; ++i) {
    OK(ndb_search(docs, queries, 2, &options, &results, NULL));
    if (ndb_results_matches(results, 0) != 1) exit(3);
    ndb_results_free(results);
  }
  OK(ndb_search_batch(docs, 2, queries, 2, NULL, &results, NULL));
  ndb_results_free(results);
  ndb_documents* documents = NULL;
  OK(ndb_get_many(docs, 2, ids, &documents, NULL));
  ndb_documents_free(documents);
  OK(ndb_scroll(docs, NULL, 2, NULL, &documents, NULL));
  ndb_documents_free(documents);
  ndb_error* error = NULL;
  if (ndb_get(docs, "nobody", &documents, &error) != NDB_NOT_FOUND) exit(4);
  ndb_error_free(error);
  ndb_collection* again = NULL;
  OK(ndb_get_collection(database, "docs", &again, NULL));
  ndb_collection_free(again);
  char* text = NULL;
  OK(ndb_stats_json(docs, &text, NULL));
  ndb_text_free(text);
}

static long after_calls(long calls, ndb_database* database, ndb_collection* docs) {
  for (long i = 0; i < calls; i += 10) ten_calls(database, docs);
  return resident_bytes();
}

int main(int argc, char** argv) {
  const char* given = argc > 1 ? argv[1] : getenv("NDB_TEST_CALLS");
  const long calls = given != NULL ? atol(given) : 20000;
  char folder[] = "/tmp/ndb-leaks-XXXXXX";
  if (mkdtemp(folder) == NULL) return 2;
  ndb_database* database = NULL;
  ndb_collection* docs = NULL;
  ndb_collection_config config = NDB_COLLECTION_CONFIG_INIT;
  config.dim = 2;
  config.distance = NDB_EUCLIDEAN;
  OK(ndb_open(folder, NULL, &database, NULL));
  OK(ndb_create_collection(database, "docs", &config, &docs, NULL));
  const char* ids[] = {"a", "b", "c"};
  const float vectors[] = {0, 0, 1, 0, 2, 0};
  const char* payloads[] = {"{\"n\":0}", "{\"n\":1}", NULL};
  OK(ndb_insert_batch(docs, 3, ids, vectors, 2, payloads, NULL, NULL));
  after_calls(calls / 10, database, docs);
  const long before = after_calls(calls / 10, database, docs);
  const long after = after_calls(calls, database, docs);
  ndb_collection_free(docs);
  OK(ndb_drop_collection(database, "docs", NULL));
  OK(ndb_close(database, NULL));
  if (remove(folder) != 0) return 2;
  printf("%ld calls: %.1f MB before, %.1f MB after, %.1f bytes a call\n", calls, (double)before / 1e6, (double)after / 1e6,
         (double)(after - before) / (double)(calls > 0 ? calls : 1));
  return after - before < 8000000 + 8 * calls ? 0 : 1;
}
