#!/usr/bin/env python3
"""What Python costs over C++: the same searches and batches by turns, on the same files, in one run.

    PYTHONPATH=BUILD/bindings/python/package cost.py BUILD/bench/bindings/embedded_cost [ROUNDS]

Search: 128 dimensions, 10,000 rows, top 10, one thread; the median of 2,000 calls a round, and of those what the engine says it took.
Insert: one batch of 10,000 x 768 into a new collection. Every round of either language is a process of its own. Prints each round and the
medians of the rounds.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import ndb


def measured(*command):
    """The numbers that a process prints: microseconds of the call, and of the engine if it says so."""
    return [float(word) for word in subprocess.run([str(a) for a in command], check=True, capture_output=True, text=True).stdout.split()]


def search_in_python(folder, queries):
    times, inside = [], []
    with ndb.open(folder, read_only=True) as db:
        docs = db.get_collection("docs")
        for query in queries:
            start = time.perf_counter_ns()
            result = docs.search(query)
            times.append(time.perf_counter_ns() - start)
            inside.append(result.took_us)
            assert len(result) == 10
            del result
    return statistics.median(times) / 1000, statistics.median(inside)


def insert_in_python(folder, vectors):
    ids = [str(i) for i in range(len(vectors))]
    with ndb.open(folder) as db:
        docs = db.create_collection("docs", dim=vectors.shape[1])
        start = time.perf_counter_ns()
        docs.insert_batch(ids, vectors)
        return ((time.perf_counter_ns() - start) / 1000,)


def report(name, pairs):
    for cpp, python in pairs:
        print(f"  {name}: C++ {cpp} us, Python {python} us")
    cpp, python = (statistics.median(numbers[0] for numbers in side) for side in zip(*pairs))
    print(f"{name}: C++ {cpp:.1f} us, Python {python:.1f} us, difference {python - cpp:.1f} us, C++ / Python {cpp / python:.3f}")


def one_round(what, folder, vectors, dim):
    values = np.fromfile(vectors, dtype=np.float32).reshape(-1, int(dim))
    print(*(search_in_python if what == "search" else insert_in_python)(folder, values))


def main():
    if sys.argv[1] in ("search", "insert"):
        return one_round(*sys.argv[1:])
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        rows, queries = (random.standard_normal((n, 128)).astype(np.float32) for n in (10_000, 2_000))
        with ndb.open(folder / "search") as db:
            docs = db.create_collection("docs", dim=128)
            docs.insert_batch([str(i) for i in range(len(rows))], rows, [{"n": i} for i in range(len(rows))])
            docs.flush()
            docs.rebuild_index()
        queries.tofile(folder / "queries")
        python = (sys.executable, __file__)
        search = ("search", folder / "search", folder / "queries", 128)
        report("search", [(measured(program, *search), measured(*python, *search)) for _ in range(rounds)])
        vectors = random.standard_normal((10_000, 768)).astype(np.float32)
        vectors.tofile(folder / "vectors")
        report("insert_batch", [(measured(program, "insert", folder / f"cpp{i}", folder / "vectors", 768),
                                 measured(*python, "insert", folder / f"python{i}", folder / "vectors", 768)) for i in range(rounds)])


if __name__ == "__main__":
    main()
