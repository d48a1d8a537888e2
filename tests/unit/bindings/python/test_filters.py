"""The table of filters that every language is tested with (tests/support/filter_cases.json), and what filters find by an index."""

import json
import os
import pathlib

import numpy as np
import pytest

import ndb

TABLE = json.loads((pathlib.Path(os.environ["NDB_SOURCE_DIR"]) / "tests/support/filter_cases.json").read_text())


@pytest.mark.parametrize("flushed", [False, True])
def test_the_table_of_filters(db, flushed):
    docs = db.create_collection("cases", dim=2)
    payloads = [json.loads(text) if text else None for text in TABLE["documents"]]
    docs.insert_batch([str(i) for i in range(len(payloads))], np.ones((len(payloads), 2), dtype=np.float32), payloads)
    if flushed:
        docs.flush()
    for case in TABLE["cases"]:
        condition = json.loads(case["filter"])
        expected = [str(i) for i in case["matches"]]
        assert docs.scroll(condition).ids == expected, case["filter"]
        assert docs.count(condition) == len(expected), case["filter"]
        assert sorted(docs.search([1, 1], top_k=100, filter=condition).ids) == expected, case["filter"]


def test_which_fields_filters_find_by_an_index(db):
    docs = db.create_collection("some", dim=2, attributes_only=["source"], attributes_never=["source.text"])
    docs.insert_batch(["a", "b"], np.eye(2, dtype=np.float32), [{"source": "web", "year": 1}, {"source": "wiki", "year": 2}])
    docs.flush()
    assert docs.scroll({"source": "wiki"}).ids == docs.scroll({"year": 2}).ids == ["b"]
    with pytest.raises(ndb.InvalidArgument):
        db.create_collection("bad", dim=2, attributes_only=[""])
