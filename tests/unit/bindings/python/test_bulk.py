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


@pytest.mark.parametrize("field, document", [
    ("documents[13].vector[1]", ("d", [1, np.nan])), ("documents[13].vector", ("d", [1, 2, 3])), ("documents[13].vector", ("d", [1])),
    ("documents[13].vector", ("d", ["a", 1])), ("documents[13].vector", ("d", None)), ("documents[13].vector", ("d", 1.5)),
    ("documents[13].vector", ("d", np.array([1, 2j]))), ("documents[13].vector", ("d", np.ma.array([1, 2], mask=[0, 1]))),
    ("documents[13].vector", ("d", [[1, 2]])), ("ids[13]", (7, [1, 2])), ("documents[13].id", ("", [1, 2])), ("documents[13].payload", ("d", [1, 2], [1])),
])
@pytest.mark.parametrize("make", [list, np.array])
def test_what_is_refused_is_named_by_its_place_in_the_source(docs, field, document, make):
    source = [(f"d{i}", make([1.0, 2.0])) for i in range(13)] + [document] + [("e", make([1.0, 2.0]))]
    with pytest.raises(ndb.InvalidArgument) as caught:
        docs.insert_all(source, batch_rows=10)
    assert caught.value.field == field and field.removesuffix("[1]") in str(caught.value) and str(caught.value) == caught.value.message
    assert docs.count() == 13  # the batch before it is in


def test_rows_of_vectors_that_are_all_wrong_are_refused(docs):
    for vectors in ([1.5, 2.5], [None, None], [[[1, 2]], [[1, 2]]]):
        with pytest.raises(ndb.InvalidArgument):
            docs.insert_all([("d", vectors[0]), ("e", vectors[1])])
    assert docs.count() == 3


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


@pytest.mark.parametrize("field, column, value", [
    ("ids[13]", "id", None), ("ids[13]", "id", float("nan")), ("documents[13].vector", "vector", None), ("documents[13].vector", "vector", float("nan")),
    ("documents[13].vector", "vector", [1, 2, 3]), ("documents[13].vector", "vector", [1]), ("documents[13].vector", "vector", np.array([1, 2, 3])),
])
def test_rows_of_a_frame_that_lack_something_are_named(docs, field, column, value):
    pandas = pytest.importorskip("pandas", reason="python3-pandas is not installed")
    columns = {"id": [f"d{i}" for i in range(20)], "vector": [[1.0, 2.0]] * 20}
    columns[column] = columns[column][:13] + [value] + columns[column][14:]
    frame = pandas.DataFrame(columns)
    for source in (frame, frame.set_index("id")):
        with pytest.raises(ndb.InvalidArgument) as caught:
            docs.insert_all(source, batch_rows=10)
        assert caught.value.field == field and "13" in str(caught.value)
    assert docs.count() == 13 and docs.get_many(["None", "nan"]).ids == []


def test_columns_of_a_frame_that_are_there_twice_are_refused(docs):
    pandas = pytest.importorskip("pandas", reason="python3-pandas is not installed")
    for twice in ("id", "vector", "n"):
        frame = pandas.DataFrame([["d", [1, 2], 1, "e"]], columns=["id", "vector", "n", twice])
        with pytest.raises(ndb.InvalidArgument, match=twice):
            docs.insert_all(frame)
    with pytest.raises(ndb.InvalidArgument, match="'1'"):
        docs.insert_all(pandas.DataFrame([["d", [1, 2], 1, "e"]], columns=["id", "vector", 1, "1"]))
    assert docs.count() == 3


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
