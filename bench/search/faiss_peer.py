"""FAISS's HNSW on the data that ndb_bench_search takes: recall@10 and queries a second of one thread, for each ef (needs python3-faiss, python3-numpy).

usage: faiss_peer.py DATA [euclidean|cosine] [EF ...]
The same m (16) and ef_construction (200); cosine over normalized vectors. All queries are one call, so Python's share is small; best of five passes.
"""
import sys
import time

import faiss
import numpy as np

folder, distance = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "euclidean"
efs = [int(ef) for ef in sys.argv[3:]] or [10, 16, 24, 32, 64, 100]
base, queries = (np.ascontiguousarray(np.load(f"{folder}/{name}.npy"), dtype=np.float32) for name in ("base", "query"))
truth = np.fromfile(f"{folder}/groundtruth.ivecs", np.int32).reshape(len(queries), -1)[:, 1:11]
if distance == "cosine":
    faiss.normalize_L2(base)
    faiss.normalize_L2(queries)
index = faiss.IndexHNSWFlat(base.shape[1], 16, faiss.METRIC_INNER_PRODUCT if distance == "cosine" else faiss.METRIC_L2)
index.hnsw.efConstruction = 200
start = time.monotonic()
index.add(base)
print(f"faiss      built in {time.monotonic() - start:.1f} s")
faiss.omp_set_num_threads(1)
for ef in efs:
    index.hnsw.efSearch = ef
    rates = []
    for _ in range(6):  # the first warms up
        start = time.thread_time()
        _, found = index.search(queries, 10)
        rates.append(len(queries) / (time.thread_time() - start))
    recall = np.mean([len(set(f) & set(t)) / 10 for f, t in zip(found, truth)])
    print(f"faiss      ef {ef:4d}  recall@10 {recall:.4f}  qps best {max(rates[1:]):8.0f}  median {np.median(rates[1:]):8.0f}")
