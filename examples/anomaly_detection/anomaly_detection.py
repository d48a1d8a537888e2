#!/usr/bin/env python3
"""What is unlike anything seen before: the distance to the k-th nearest of the normal measurements of the same machine, against a threshold
that those set themselves. Normal ones join the memory; the oldest leave it.

    anomaly_detection.py FOLDER
"""

import sys

import numpy as np

import ndb
from ndb import F

DIM, K = 16, 5
random = np.random.default_rng(7)
MODES = {"pump": random.normal(0, 5, (3, DIM)), "fan": random.normal(0, 5, (2, DIM))}  # each machine has a few normal states


def measurements(machine, count):
    modes = MODES[machine]
    return (modes[random.integers(0, len(modes), count)] + random.normal(0, 0.3, (count, DIM))).astype(np.float32)


class Detector:
    def __init__(self, db, memory=2000):
        self.seen = db.create_collection("measurements", dim=DIM, distance="euclidean")
        self.memory, self.next, self.thresholds = memory, 0, {}

    def learn(self, machine, vectors):
        ids = [f"{self.next + i:012}" for i in range(len(vectors))]
        self.seen.insert_batch(ids, vectors, [{"machine": machine, "at": self.next + i} for i in range(len(vectors))])
        self.next += len(vectors)
        self.seen.remove_where(F.lt("at", self.next - self.memory))

    def scores(self, machine, vectors, skip=0):
        results = self.seen.search_batch(vectors, top_k=K + skip, filter=F.eq("machine", machine), with_payload=False)
        return np.array([result.scores[-1] for result in results])

    def calibrate(self, machine, vectors):
        self.thresholds[machine] = 1.5 * np.quantile(self.scores(machine, vectors), 0.99)

    def is_anomaly(self, machine, vectors):
        return self.scores(machine, vectors) > self.thresholds[machine]


def main(folder):
    with ndb.open(folder) as db:
        detector = Detector(db)
        for machine in MODES:
            detector.learn(machine, measurements(machine, 800))
            detector.calibrate(machine, measurements(machine, 200))
        normal = measurements("pump", 500)
        broken = measurements("pump", 50)
        broken[:, 3] += 4.0  # one sensor is off
        misplaced = measurements("fan", 50)  # normal for a fan, not for a pump
        for name, vectors, least, most in [("normal", normal, 0.0, 0.02), ("broken sensor", broken, 0.98, 1.0), ("another machine", misplaced, 0.98, 1.0)]:
            share = detector.is_anomaly("pump", vectors).mean()
            print(f"{name:16} {share:6.1%} of {len(vectors)} called anomalies")
            assert least <= share <= most
        detector.learn("pump", normal[~detector.is_anomaly("pump", normal)])
        print(f"{detector.seen.count()} measurements kept")


if __name__ == "__main__":
    main(*sys.argv[1:])
