#!/usr/bin/env python3
"""What a language costs over C++: the same searches and batches by turns, on the same files, in one run.

    cost.py BUILD [--rounds N] [--languages python,node,go] [--only scores,search,insert]

Search: 128 dimensions, 10,000 rows, top 10, one thread; the median of 2,000 calls a round, of ids and scores alone ("scores") and with payloads
("search"). Insert: one batch of 10,000 x 768 into a new collection. Every round of each language is a process of its own, next to one of C++.
Prints the medians of the rounds, the median of the differences within a round, and the same of the best round of each, which tells less of what
else the machine does.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def measured(*command, environment):
    """The first number that a process prints: microseconds of the call."""
    run = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    return float(run.stdout.split()[0])


def one_round(what, folder, file, dim):
    import numpy as np

    import ndb

    values = np.fromfile(file, dtype=np.float32).reshape(-1, int(dim))
    if what == "insert":
        ids = [str(i) for i in range(len(values))]
        with ndb.open(folder) as db:
            docs = db.create_collection("docs", dim=values.shape[1])
            start = time.perf_counter_ns()
            docs.insert_batch(ids, values)
            return print((time.perf_counter_ns() - start) / 1000)
    times = []
    with ndb.open(folder, read_only=True) as db:
        docs = db.get_collection("docs")
        for query in values:
            start = time.perf_counter_ns()
            result = docs.search(query, with_payload=False) if what == "scores" else docs.search(query)
            times.append(time.perf_counter_ns() - start)
            assert len(result) == 10
            del result
    print(statistics.median(times) / 1000)


def report(what, names, rounds):
    for name, *times in zip(names, *rounds):
        base = [numbers[0] for numbers in rounds]
        if name == "C++":
            print(f"{what:8} {name:12} {statistics.median(times):12.1f} us{'':41}best {min(times):.1f}", flush=True)
            continue
        difference = statistics.median(other - cpp for other, cpp in zip(times, base))
        rate = statistics.median(cpp / other for other, cpp in zip(times, base))
        print(f"{what:8} {name:12} {statistics.median(times):12.1f} us, {difference:+12.1f} us, rate {rate:.3f} of C++;  best {min(times):.1f}, {min(times) - min(base):+.1f} us, rate {min(base) / min(times):.3f}",
              flush=True)


def languages(build, wanted, folder):
    """name -> (command, environment, what it is asked for in place of scores, search, insert)."""
    python = ([sys.executable, __file__], {"PYTHONPATH": str(build / "bindings/python/package")})
    node = (["node", HERE / "cost.mjs"], {"NDB_NODE_PACKAGE": str(build / "bindings/node/package")})
    known = {"C++": ([build / "bench/bindings/embedded_cost"], {}, ""), "Python": (*python, ""), "Node": (*node, ""), "Node, sync": (*node, "-sync")}
    if "go" in wanted:
        program = folder / "cost_go"
        environment = {"PKG_CONFIG_PATH": str(build / "bindings/c"), "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
        subprocess.run(["go", "build", "-o", program, "."], cwd=HERE / "go", env={**os.environ, **environment}, check=True)
        known["Go"] = ([program], {}, "")
    return {name: entry for name, entry in known.items() if name == "C++" or name.split(",")[0].lower() in wanted}


def in_turn(sides, round, measure):
    """One figure for each side, in the sides' order; measured in another order each round, as what comes first leaves its writes to the next."""
    names = list(sides)
    first = round % len(names)
    figures = {name: measure(name, *sides[name]) for name in names[first:] + names[:first]}
    return [figures[name] for name in names]


def inserted(folder, name, command, environment):
    os.sync()
    figure = measured(*command, "insert", folder / name, folder / "vectors", 768, environment=environment)
    shutil.rmtree(folder / name)
    return figure


def main():
    if len(sys.argv) == 5 and sys.argv[1] in ("scores", "search", "insert"):
        return one_round(*sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--languages", default="python,node,go")
    parser.add_argument("--only", default="scores,search,insert")
    options = parser.parse_args()
    build = options.build.resolve()
    sys.path.insert(0, str(build / "bindings/python/package"))
    import numpy as np

    import ndb

    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides = languages(build, options.languages.split(","), folder)
        rows, queries = (random.standard_normal((n, 128)).astype(np.float32) for n in (10_000, 2_000))
        with ndb.open(folder / "data") as db:
            docs = db.create_collection("docs", dim=128)
            docs.insert_batch([str(i) for i in range(len(rows))], rows, [{"n": i} for i in range(len(rows))])
            docs.flush()
            docs.rebuild_index()
        queries.tofile(folder / "queries")
        wanted = options.only.split(",")
        for what in (name for name in ("scores", "search") if name in wanted):
            def search(_, command, environment, suffix):
                return measured(*command, what + suffix, folder / "data", folder / "queries", 128, environment=environment)

            report(what, sides, [in_turn(sides, i, search) for i in range(options.rounds)])
        if "insert" not in wanted:
            return
        random.standard_normal((10_000, 768)).astype(np.float32).tofile(folder / "vectors")
        batches = {name: side[:2] for name, side in sides.items() if not side[2]}
        report("insert", batches, [in_turn(batches, i, lambda *side: inserted(folder, *side)) for i in range(options.rounds)])


if __name__ == "__main__":
    main()
