#!/usr/bin/env python3
"""Images that look like one, among those with a tag: nearest by pixels, here of handwritten digits.

    image_search.py FOLDER      the MNIST images that $NDB_TEST_DATA has, else digits drawn here
"""

import os
import sys
from pathlib import Path

import numpy as np

import ndb
from ndb import F

GLYPHS = {0: "111 101 101 101 111", 1: "010 110 010 010 111", 2: "111 001 111 100 111", 3: "111 001 111 001 111", 4: "101 101 111 001 001",
          5: "111 100 111 001 111", 6: "111 100 111 101 111", 7: "111 001 010 010 010", 8: "111 101 111 101 111", 9: "111 101 111 001 111"}


def drawn_digits(count, random):
    """Digits of 5 x 3 blocks, shifted and noisy."""
    labels = random.integers(0, 10, count)
    images = np.zeros((count, 28, 28), dtype=np.float32)
    for image, label in zip(images, labels):
        glyph = np.array([[int(bit) for bit in row] for row in GLYPHS[int(label)].split()], dtype=np.float32)
        y, x = random.integers(2, 6, 2)
        image[y:y + 20, x:x + 12] = np.kron(glyph, np.ones((4, 4)))
    return (images * 200 + random.uniform(0, 55, images.shape)).reshape(count, 784).astype(np.float32), labels


def digits():
    """Images and labels to store, and others to look for."""
    data = Path(os.environ.get("NDB_TEST_DATA", "")) / "mnist-784"
    if "NDB_TEST_DATA" in os.environ and data.exists():
        parts = [np.load(data / name) for name in ("base.npy", "base_labels.npy", "query.npy", "query_labels.npy")]
        print("MNIST, from", data.name)
        return parts[0][:10_000].astype(np.float32), parts[1][:10_000], parts[2][:200].astype(np.float32), parts[3][:200]
    print("digits drawn here: $NDB_TEST_DATA has no mnist-784")
    random = np.random.default_rng(1)
    return *drawn_digits(3_000, random), *drawn_digits(200, random)


def main(folder):
    images, labels, queries, truth = digits()
    with ndb.open(folder) as db:
        collection = db.create_collection("images", dim=784, distance="euclidean")
        tags = [{"label": int(label), "tags": ["even" if label % 2 == 0 else "odd", "round" if label in (0, 6, 8, 9) else "edgy"]} for label in labels]
        collection.insert_all(((f"image-{i}", image, tag) for i, (image, tag) in enumerate(zip(images, tags))), total=len(images))
        collection.flush()
        collection.rebuild_index()

        right = sum(result[0].payload["label"] == label for result, label in zip(collection.search_batch(queries, top_k=1), truth))
        print(f"the nearest of {collection.count()} images shows the same digit for {right} of {len(queries)}")
        filter = F.eq("tags", "round") & F.eq("tags", "even")
        print(f"like a {truth[0]}, but round and even ({collection.count(filter)} images):")
        for match in collection.search(queries[0], top_k=3, filter=filter):
            print(f"  {match.id}  a {match.payload['label']}  at {match.score:.0f}")
        assert all(match.payload["label"] in (0, 6, 8) for match in collection.search(queries[0], top_k=50, filter=filter))
        assert right >= 0.9 * len(queries)


if __name__ == "__main__":
    main(*sys.argv[1:])
