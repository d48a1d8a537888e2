"""Opening, creating, listing, dropping, closing."""

import os
import pickle
import threading

import numpy as np
import pytest

import ndb
from ndb import _errors

CODES = ["invalid_argument", "not_found", "already_exists", "collection_locked", "fenced", "corruption", "io_error", "no_space", "read_only",
         "replica_lagging", "timeout", "overloaded", "unauthenticated", "permission_denied", "unavailable", "internal"]


def test_every_code_has_an_exception():
    assert sorted(_errors.BY_CODE) == sorted(CODES)
    for code, kind in _errors.BY_CODE.items():
        error = kind("why", "where")
        assert isinstance(error, ndb.Error) and getattr(ndb, kind.__name__) is kind
        assert (error.code, error.message, error.field, str(error)) == (code, "why", "where", "why")
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.message, again.field) == (kind, "why", "where")
    assert issubclass(ndb.InvalidArgument, ValueError) and issubclass(ndb.NotFound, LookupError) and issubclass(ndb.Timeout, TimeoutError)


def test_collections_are_created_found_listed_and_dropped(db):
    made = db.create_collection("made", dim=3, distance="dot", durability="sync", m=8, ef_construction=50, ef_search=20, quantization="sq8")
    assert (made.name, made.dim, made.distance, made.durability) == ("made", 3, "dot", "sync")
    assert made.stats()["hnsw"]["m"] == 8
    db.create_collection("also", dim=1)
    assert db.list_collections() == ["also", "made"]
    assert db.has_collection("made") and not db.has_collection("nothing")
    assert db.get_collection("made").dim == 3
    db.drop_collection("made")
    assert db.list_collections() == ["also"]
    with pytest.raises(ndb.NotFound) as caught:
        db.get_collection("made")
    assert caught.value.field == "name"
    with pytest.raises(ndb.NotFound):
        db.drop_collection("made")
    with pytest.raises(ndb.AlreadyExists):
        db.create_collection("also", dim=1)


@pytest.mark.parametrize("field, options", [
    ("dim", {"dim": 0}), ("dim", {"dim": -1}), ("dim", {"dim": 1 << 40}), ("distance", {"dim": 2, "distance": "manhattan"}),
    ("durability", {"dim": 2, "durability": "maybe"}), ("hnsw.m", {"dim": 2, "m": 1}), ("hnsw.quantization", {"dim": 2, "quantization": "x"}),
])
def test_a_configuration_that_cannot_be_is_refused_under_its_field(db, field, options):
    with pytest.raises(ndb.InvalidArgument) as caught:
        db.create_collection("bad", **options)
    assert caught.value.field == field
    assert db.list_collections() == []


def test_read_only_reads_and_refuses_to_write(db, docs, tmp_path):
    docs.flush()
    reader = ndb.Database.open(str(tmp_path / "data"), read_only=True)
    assert reader.get_collection("docs").count() == 3
    with pytest.raises(ndb.ReadOnly):
        reader.get_collection("docs").remove("a")


def test_leaving_the_context_closes(tmp_path):
    with ndb.open(os.fsencode(tmp_path / "data")) as database:
        docs = database.create_collection("docs", dim=1)
        docs.insert("a", [1.0])
    with pytest.raises(ndb.Unavailable):
        docs.count()
    with pytest.raises(ndb.Unavailable):
        database.has_collection("docs")
    with ndb.open(tmp_path / "data") as database:
        assert not database.has_collection("../data")
        assert database.get_collection("docs").count() == 1


def test_a_collection_keeps_its_database_open(tmp_path):
    docs = ndb.open(tmp_path / "data").create_collection("docs", dim=1)
    assert docs.insert("a", [1.0]).seq == 1


def test_a_folder_that_cannot_be_is_an_error():
    with pytest.raises(ndb.Error):
        ndb.open("/dev/null")
    with pytest.raises(TypeError):
        ndb.open(3)
    for path in ("p3\0zzz", b"p3\0zzz", "p3\ud800"):
        with pytest.raises(ndb.InvalidArgument) as caught:
            ndb.open(path)
        assert caught.value.field == "path"


def test_a_forked_child_is_told_and_can_open_for_itself(db, docs, tmp_path):
    docs.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for call in (docs.count, lambda: docs.insert("z", [1, 1]), lambda: docs.search([0, 0]), db.list_collections):
                with pytest.raises(ndb.Unavailable, match="fork"):
                    call()
            status = 0 if ndb.open(tmp_path / "data", read_only=True).get_collection("docs").count() == 3 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert docs.count() == 3


def test_calls_release_the_gil(docs):
    """A thread that waits inside the engine for a write lets the one run that makes it."""
    seen = []
    waiter = threading.Thread(target=lambda: seen.append(docs.wait_for(4, timeout=60)))
    waiter.start()
    docs.insert("d", np.zeros(2, dtype=np.float32))
    waiter.join(60)
    assert seen == [None]


def test_many_threads_share_a_collection(docs):
    failures = []

    def work(name):
        try:
            for i in range(50):
                docs.insert(name, [i, i])
                assert docs.search([i, i], top_k=1)[0].score is not None
        except Exception as failure:  # told by the main thread
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and docs.count() == 7
