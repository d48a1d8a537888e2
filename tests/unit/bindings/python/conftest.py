"""What the tests share: a database in a fresh folder and a small collection."""

import numpy as np
import pytest

import ndb


@pytest.fixture
def db(tmp_path):
    with ndb.open(tmp_path / "data") as database:
        yield database


@pytest.fixture
def docs(db):
    """a, b, c at 0, 1 and 2 on the first axis."""
    collection = db.create_collection("docs", dim=2, distance="euclidean")
    vectors = np.array([[0, 0], [1, 0], [2, 0]], dtype=np.float32)
    collection.insert_batch(["a", "b", "c"], vectors, [{"n": 0, "tags": ["x"]}, {"n": 1, "tags": ["x", "y"]}, None])
    return collection
