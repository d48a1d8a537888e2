"""insert_all from iterables and frames, and that calls leak nothing."""

import gc
import os
import sys

import numpy as np
import pytest

import ndb


def numbers(count, dim=2):
    return np.arange(count * dim, dtype=np.float32).reshape(count, dim)


@pytest.mark.parametrize("kind", ["dicts", "tuples", "pairs", "documents", "generator"])
def test_iterables_of_every_kind_are_inserted_in_batches(docs, kind):
    vectors = numbers(25)
    source = {
        "dicts": [{"id": f"d{i}", "vector": vectors[i], "payload": {"n": i}} for i in range(25)],
        "tuples": [(f"d{i}", list(vectors[i]), {"n": i}) for i in range(25)],
        "pairs": [(f"d{i}", vectors[i]) for i in range(25)],
        "generator": ({"id": f"d{i}", "vector": vectors[i], "payload": {"n": i}} for i in range(25)),
    }
    if kind == "documents":
        docs.insert_all(source["tuples"])
        source["documents"] = docs.get_many([f"d{i}" for i in range(25)])
    assert docs.insert_all(source[kind], batch_rows=10) == 25
    assert docs.count() == 28 and docs.get("d24").vector.tolist() == [48, 49]
    assert docs.get("d24").payload == (None if kind == "pairs" else {"n": 24})


@pytest.mark.parametrize("at, source", [
    (11, [("d", [1, 2])] * 11 + [("d",)]), (0, [{"id": "d"}]), (0, [{"id": "d", "vector": [1, 2], "paylod": {}}]), (0, ["text"]), (0, [7]),
])
def test_what_is_no_document_is_named_by_its_place(docs, at, source):
    with pytest.raises(ndb.InvalidArgument) as caught:
        docs.insert_all(source, batch_rows=10)
    assert caught.value.field == f"documents[{at}]"
    assert docs.count() == (4 if at else 3)  # the batches before it are in


def test_nothing_is_inserted_from_nothing(docs):
    assert docs.insert_all([]) == 0
    with pytest.raises(ndb.InvalidArgument):
        docs.insert_all([], batch_rows=0)


def test_a_frame_is_inserted_with_its_columns_as_payload(docs):
    pandas = pytest.importorskip("pandas", reason="python3-pandas is not installed")
    vectors = numbers(25)
    frame = pandas.DataFrame({"id": [f"d{i}" for i in range(25)], "vector": list(vectors), "n": range(25),
                              "source": [None if i % 2 else "wiki" for i in range(25)], "at": [float("nan")] * 24 + [1.5]})
    assert docs.insert_all(frame, batch_rows=7) == 25
    assert docs.get("d24").payload == {"n": 24, "source": "wiki", "at": 1.5} and docs.get("d1").payload == {"n": 1}
    assert docs.insert_all(frame.drop(columns=["n", "source", "at"]).set_index("id")) == 25
    assert docs.get("d24").payload is None and docs.get("d24").vector.tolist() == [48, 49]
    with pytest.raises(ndb.InvalidArgument):
        docs.insert_all(frame.drop(columns="vector"))


def test_progress_is_shown_where_tqdm_is(docs, capsys, monkeypatch):
    source = [(f"d{i}", [i, 1]) for i in range(25)]
    docs.insert_all(source)
    docs.insert_all(source, progress=False)
    assert capsys.readouterr().err == ""  # no terminal
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert docs.insert_all(source, progress=True) == 25
    monkeypatch.undo()
    pytest.importorskip("tqdm", reason="python3-tqdm is not installed")
    docs.insert_all(iter(source), batch_rows=10, progress=True, total=25)
    assert "25/25" in capsys.readouterr().err


def resident_bytes():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_calls_leak_no_memory(docs):
    """NDB_TEST_CALLS: how many calls (20,000 by default)."""
    calls = int(os.environ.get("NDB_TEST_CALLS", "20000"))
    query = np.array([1, 0], dtype=np.float32)

    def some(count):
        for _ in range(0, count, 8):
            for _ in range(3):
                docs.search(query, filter={"n": 1}, with_vector=True)[0].vector
            docs.get("b").payload
            docs.count(ndb.F.gte("n", 1))
            docs.search_batch([[1, 0], [0, 0]])
            with pytest.raises(ndb.NotFound):
                docs.get("nobody")
            docs.scroll(limit=2)
        return resident_bytes()

    some(calls // 10)
    before = some(calls // 10)
    after = some(calls)
    print(f"{calls} calls: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after, {(after - before) / calls:.1f} bytes a call")
    assert after - before < 16e6 + 8 * calls
