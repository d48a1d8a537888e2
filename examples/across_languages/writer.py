#!/usr/bin/env python3
"""One folder, one writer in Python, and readers in other languages at once: each sees each write, and says when.

    writer.py FOLDER [--writes N] [--within MS] READER...      READER: a command; FOLDER and N are added to it

A reader prints "ready", and then a line for each write: its sequence number, how many documents it sees, and CLOCK_MONOTONIC in nanoseconds.
Printed is the time from the write's return to that. With --within it is also required of all but one write in a hundred: those stand for what
else the machine does.
"""

import argparse
import shlex
import subprocess
import sys
import time

import numpy as np

import ndb

DIM = 128


def follow(command, folder, writes):
    return subprocess.Popen([*shlex.split(command), folder, str(writes)], stdout=subprocess.PIPE, text=True)


def hear(process, name):
    line = process.stdout.readline()
    if not line:
        sys.exit(f"{name} ended with {process.wait()}")
    return line.split()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--writes", type=int, default=100)
    parser.add_argument("--within", type=float, help="milliseconds")
    parser.add_argument("readers", nargs="+")
    options = parser.parse_args()
    vectors = np.random.default_rng(1).standard_normal((options.writes, DIM)).astype(np.float32)
    with ndb.open(options.folder) as db:
        docs = db.create_collection("docs", dim=DIM)
        readers = {shlex.split(command)[-1].rsplit("/", 1)[-1]: follow(command, options.folder, options.writes) for command in options.readers}
        for name, reader in readers.items():
            assert hear(reader, name) == ["ready"]
        delays = {name: [] for name in readers}
        for number, vector in enumerate(vectors):
            seq = docs.insert(str(number), vector).seq
            returned = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            for name, reader in readers.items():
                told_seq, count, at = map(int, hear(reader, name))
                assert (told_seq, count) == (seq, number + 1), f"{name} saw {count} documents at {told_seq}, not {number + 1} at {seq}"
                delays[name].append((at - returned) / 1e6)
        for name, reader in readers.items():
            assert reader.wait() == 0, name
    late = []
    for name, times in delays.items():
        times = np.maximum(np.array(times), 0)  # a reader may be quicker than the writer's own return
        within = "" if options.within is None else f", {np.mean(times <= options.within):.1%} within {options.within:g} ms"
        print(f"{name:12} saw each of {options.writes} writes: median {np.median(times):.2f} ms, p99 {np.quantile(times, 0.99):.2f}, last {times.max():.2f}{within}")
        if options.within is not None and np.quantile(times, 0.99) > options.within:
            late.append(name)
    if late:
        sys.exit(f"too late: {', '.join(late)}")


if __name__ == "__main__":
    main()
