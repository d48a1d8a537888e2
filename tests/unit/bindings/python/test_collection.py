"""Documents, searches, filters and upkeep."""

import copy
import pickle
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import ndb
from ndb import F, Filter


def ids(result):
    return "".join(result.ids)


def test_what_is_inserted_is_read_back(docs):
    written = docs.insert("d", [3, 4], {"text": "grüße", "deep": {"list": [1, 2.5, None, True]}})
    assert (written.seq, written.inserted, written.replaced, written.durability) == (4, 1, 0, "buffered")
    document = docs.get("d")
    assert document.id == "d" and document.vector.tolist() == [3.0, 4.0] and document.vector.dtype == np.float32
    assert document.payload == {"text": "grüße", "deep": {"list": [1, 2.5, None, True]}}
    assert docs.insert("d", np.array([1, 1]), '{"as":"text"}').replaced == 1
    assert docs.get("d").payload == {"as": "text"}
    assert docs.get("c").payload is None
    with pytest.raises(ndb.NotFound):
        docs.get("nobody")
    found = docs.get_many(["c", "nobody", "a"])
    assert found.ids == ["c", "a"] and found.missing == ["nobody"] and found[-1].payload["n"] == 0


@pytest.mark.parametrize("vectors", [
    [[1, 2], [3, 4]], np.array([[1, 2], [3, 4]], dtype=np.float64), np.array([[1, 2], [3, 4]], dtype=np.int16),
    np.asfortranarray(np.array([[1, 2], [3, 4]], dtype=np.float32)), np.array([[1, 9, 2, 9], [3, 9, 4, 9]], dtype=np.float32)[:, ::2],
])
def test_arrays_of_every_layout_are_taken(docs, vectors):
    docs.insert_batch(["x", "y"], vectors)
    assert docs.get("x").vector.tolist() == [1, 2] and docs.get("y").vector.tolist() == [3, 4]


def test_numbers_of_numpy_are_numbers_in_payloads(docs):
    docs.insert("d", [0, 0], {"i": np.int64(7), "f": np.float32(0.5), "b": np.bool_(True)})
    assert docs.get("d").payload == {"i": 7, "f": 0.5, "b": True}


@pytest.mark.parametrize("field, arguments", [
    ("vector[1]", ("x", [1, np.nan])), ("vector[0]", ("x", [1e39, 1])), ("vector", ("x", [1, 2, 3])), ("vector", ("x", [[1, 2]])),
    ("vector", ("x", "text")), ("vector", ("x", None)), ("id", ("", [1, 2])), ("id", (7, [1, 2])), ("id", ("\ud800", [1, 2])),
    ("payload", ("x", [1, 2], [1])), ("payload", ("x", [1, 2], "[1]")), ("payload", ("x", [1, 2], "")), ("payload", ("x", [1, 2], {"a": {1, 2}})),
    ("payload", ("x", [1, 2], {"a": float("nan")})), ("payload", ("x", [1, 2], {"a": "\ud800"})), ("payload", ("x", [1, 2], {"\ud800": 1})),
    ("payload", ("x", [1, 2], '{"a":"\ud800"}')),
])
@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_a_document_that_is_refused_changes_nothing(docs, field, arguments):
    with pytest.raises(ndb.InvalidArgument) as caught:
        docs.insert(*arguments)
    assert caught.value.field == field and str(caught.value)
    assert docs.stats()["seq"] == 3 and docs.count() == 3


@pytest.mark.parametrize("field, arguments", [
    ("documents[1].vector[0]", (["x", "y"], [[1, 2], [np.inf, 2]])), ("documents[0].vector", (["x"], [[1, 2, 3]])), ("ids[1]", (["x", 3], [[1, 2]] * 2)),
    ("vectors", (["x"], [[1, 2], [3, 4]])), ("vectors", (["x"], [1, 2])), ("ids", ("x", [[1, 2]])), ("payloads", (["x"], [[1, 2]], [])),
    ("documents[0].payload", (["x"], [[1, 2]], [3])), ("documents[1].payload", (["x", "y"], [[1, 2]] * 2, [None, {"a": "\ud800"}])),
    ("documents[1].vector", (["x", "y"], [[1, 2], [1]])), ("documents[1].vector", (["x", "y"], ([1, 2], [[1, 2]]))),
    ("documents[1].vector", (["x", "y"], [[1, 2], [1, "b"]])), ("documents[1].vector", (["x", "y"], [[1, 2], None])),
    ("documents[1].vector", (["x", "y"], [[1, 2], np.ma.array([1, 2], mask=[0, 1])])), ("vectors", (["x"], np.array([[1, 2j]]))),
])
def test_a_batch_that_is_refused_changes_nothing(docs, field, arguments):
    with pytest.raises(ndb.InvalidArgument) as caught:
        docs.insert_batch(*arguments)
    assert caught.value.field == field
    assert docs.stats()["seq"] == 3 and docs.count() == 3


@pytest.mark.parametrize("vector", [
    np.ma.array([1, 2], mask=[0, 1], dtype=np.float32), np.array([1, 2j]), [1, 2j], np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]"),
    np.array([1, 2], dtype="m8[s]"), ["1", "2"], np.array(["1", "2"]), np.array(["1", "2"], dtype=object), np.array([b"1", b"2"]),
    [np.complex64(1), 10**30], np.array([(1.0,), (2.0,)], dtype=[("x", "f4")]), np.zeros(2, dtype="V4"), {"a": 1}, object(),
])
def test_what_is_no_array_of_real_numbers_is_refused(docs, vector):
    for call, field in ((lambda: docs.insert("x", vector), "vector"), (lambda: docs.search(vector), "vector"),
                        (lambda: docs.insert_batch(["w", "x"], [[1, 2], vector]), "documents[1].vector"),
                        (lambda: docs.search_batch([[1, 2], vector]), "searches[1].vector")):
        with pytest.raises(ndb.InvalidArgument, match="is no array of real numbers") as caught:
            call()
        assert caught.value.field == field and isinstance(caught.value.__cause__, (TypeError, ValueError))
    assert docs.count() == 3


@pytest.mark.parametrize("vector", [
    [True, False], np.array([True, False]), np.array([1, 0], dtype=np.uint8), [Fraction(1), Decimal(0)], np.array([1, 0], dtype=object),
    np.ma.array([1, 0], mask=False), np.array([1, 0], dtype=np.float16), [np.float64(1), np.int8(0)], (1, 0), range(1, -1, -1),
])
def test_real_numbers_of_every_kind_are_taken(docs, vector):
    docs.insert("x", vector)
    assert docs.get("x").vector.tolist() == [1, 0]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError, RuntimeError])
def test_what_a_conversion_raises_is_passed_on(docs, kind):
    class Array:
        def __array__(self, *_, **__):
            raise kind("of the array")

    for call in (lambda: docs.insert("x", Array()), lambda: docs.insert_batch(["x"], Array()), lambda: docs.insert_batch(["x"], [Array()])):
        with pytest.raises(kind, match="of the array"):
            call()


def test_an_empty_batch_does_nothing(docs):
    assert docs.insert_batch([], np.empty((0, 2), dtype=np.float32)).seq == 3
    assert docs.insert_batch([], []).inserted == 0
    assert docs.search_batch([]) == []


def test_documents_are_removed(docs):
    assert docs.remove("a").deleted == 1
    with pytest.raises(ndb.NotFound):
        docs.remove("a")
    assert docs.remove_many(["a", "b"]).deleted == 1
    with pytest.raises(ndb.InvalidArgument):
        docs.remove_where(None)
    assert docs.remove_where({}).deleted == 1 and docs.count() == 0


def test_matches_come_best_first_with_what_was_asked_for(docs):
    result = docs.search([0, 0], explain=True)
    assert len(result) == 3 and ids(result) == "abc" and [match.id for match in result] == ["a", "b", "c"]
    assert result.scores.tolist() == [0, 1, 2] and result.scores.dtype == np.float32
    assert (result[0].score, result[0].payload["n"], result[0].vector, result[-1].payload) == (0.0, 0, None, None)
    assert (result.seq, result.plan["plan"]) == (3, "exact") and result.manifest_version > 0 and result.took_us >= 0
    with pytest.raises(IndexError):
        result[3]
    result = docs.search(np.zeros(2), 2, with_payload=False, with_vector=True, approximate=False, min_seq=3, timeout=10)
    assert ids(result) == "ab" and result[0].payload is None and result.plan is None
    vector = result[1].vector
    del result
    assert vector.tolist() == [1, 0] and not vector.flags.writeable and not vector.flags.owndata


def test_many_searches_are_answered_in_their_order(docs):
    results = docs.search_batch(np.array([[2, 0], [0, 0]], dtype=np.float32), top_k=2, filter=F.exists("n"))
    assert [ids(result) for result in results] == ["ba", "ab"]


@pytest.mark.parametrize("wanted, condition", [
    ("b", F.eq("n", 1)), ("bc", F.ne("n", 0)), ("a", F.lt("n", 1)), ("ab", F.lte("n", 1)), ("b", F.gt("n", 0)), ("ab", F.gte("n", np.int64(0))),
    ("b", F.in_("n", [1, 2])), ("ac", F.not_in("n", {1, 2})), ("c", F.exists("n", False)), ("b", F.and_(F.eq("tags", "x"), {"n": 1})),
    ("ab", F.or_(F.eq("n", 0), F.eq("n", 1))), ("bc", F.not_(F.eq("n", 0))), ("abc", F.and_()), ("abc", {}), ("b", {"tags": "y"}), ("abc", None),
    ("b", F.eq("tags", "x") & ~F.eq("n", 0)), ("bc", F.eq("n", 1) | {"n": {"$exists": False}}), ("a", {"tags": "x"} & F.lt("n", 1)),
])
def test_filters(docs, wanted, condition):
    assert ids(docs.search([0, 0], filter=condition)) == wanted
    assert docs.count(condition) == len(wanted)
    assert "".join(docs.scroll(condition).ids) == wanted


def test_filters_are_values():
    condition = F.eq("a", 1) & F.lt("b", 2)
    assert condition.to_dict() == {"$and": [{"a": {"$eq": 1}}, {"b": {"$lt": 2}}]}
    assert condition == F.and_(F.eq("a", 1), F.lt("b", 2)) and len({condition, F.eq("a", 1), F.eq("a", 1)}) == 2
    with pytest.raises(TypeError):
        condition and condition
    part = {"b": {"$in": [1]}}
    filters = [Filter(part), F.and_(part), F.or_(F.eq("a", 1), part), F.not_(part), F.eq("a", 1) & part]
    before = [(one.to_dict(), (one & F.exists("c")).to_dict(), repr(one)) for one in filters]
    part["b"]["$in"].append(2)
    assert before == [(one.to_dict(), (one & F.exists("c")).to_dict(), repr(one)) for one in filters]
    assert copy.deepcopy(condition) == pickle.loads(pickle.dumps(condition)) == condition
    for make in (F.in_, F.not_in):
        with pytest.raises(ndb.InvalidArgument) as caught:
            make("a", "xyz")
        assert caught.value.field.startswith("filter.a.$")


@pytest.mark.parametrize("kind, field, options", [
    (ndb.InvalidArgument, "top_k", {"top_k": 0}), (ndb.InvalidArgument, "top_k", {"top_k": -1}), (ndb.InvalidArgument, "ef", {"ef": 1 << 33}),
    (ndb.InvalidArgument, "recall", {"recall": 2.0}), (ndb.InvalidArgument, "filter.n.$what", {"filter": {"n": {"$what": 1}}}),
    (ndb.InvalidArgument, "filter", {"filter": "n = 1"}), (ndb.InvalidArgument, "timeout", {"timeout": -1}),
    (ndb.ReplicaLagging, "min_seq", {"min_seq": 99, "timeout": 0.001}), (ndb.InvalidArgument, "ef", {"ef": "x"}),
    (ndb.InvalidArgument, "ef", {"ef": 1.5}), (ndb.InvalidArgument, "ef", {"ef": 1 << 70}), (ndb.InvalidArgument, "recall", {"recall": "x"}),
    (ndb.InvalidArgument, "timeout", {"timeout": "x"}), (ndb.InvalidArgument, "filter", {"filter": {"n": "\ud800"}}),
    (ndb.InvalidArgument, "filter", {"filter": {"\ud800": 1}}), (ndb.InvalidArgument, "filter", {"filter": F.eq("n", "\ud800")}),
])
def test_a_search_that_cannot_be_is_refused_under_its_field(docs, kind, field, options):
    with pytest.raises(kind) as caught:
        docs.search([0, 0], **options)
    assert caught.value.field == field


def test_what_is_nested_too_deep_is_refused(docs):
    deep = {}
    for _ in range(5000):
        deep = {"$and": [deep]}
    for call, field in ((lambda: docs.count(deep), "filter"), (lambda: docs.search([0, 0], filter=deep), "filter"),
                        (lambda: docs.insert("x", [1, 1], deep), "payload")):
        with pytest.raises(ndb.InvalidArgument) as caught:
            call()
        assert caught.value.field == field


def test_scrolling_goes_through_all_in_pages(docs):
    page = docs.scroll(limit=2)
    assert page.ids == ["a", "b"] and page.next == "b" and len(page) == 2
    page = docs.scroll(limit=2, after=page.next)
    assert [document.id for document in page] == ["c"] and page.next is None


def test_upkeep(db):
    docs = db.create_collection("docs", dim=4)
    vectors = np.random.default_rng(1).standard_normal((1200, 4)).astype(np.float32)
    docs.insert_batch([f"{i:04}" for i in range(1200)], vectors)
    flushed = docs.flush()
    assert docs.rebuild_index() > flushed and docs.has_index()
    stats = docs.index_stats()
    assert stats["enabled"] and stats["indexed_rows"] == 1200 and stats["graphs"] == 1
    assert docs.search(vectors[7], top_k=1, ef=100, explain=True)[0].id == "0007"
    assert docs.search(vectors[7], top_k=1, recall=0.9).ids == ["0007"]
    docs.delete_index()
    assert not docs.has_index()
    docs.remove("0000")
    docs.flush()
    docs.compact()
    stats = docs.stats()
    assert (stats["documents"], stats["deleted"], len(stats["segments"]), stats["writable"]) == (1199, 0, 1, True)
    assert isinstance(docs.manifest(), dict) and docs.replicas() == []
    docs.wait_for(stats["seq"])
    with pytest.raises(ndb.Timeout):
        docs.wait_for(stats["seq"] + 1, timeout=0.001)
    docs.acquire_write_lock()


def test_old_versions_answer_from_what_there_was(docs):
    docs.set_history(timedelta(hours=1), interval=30)
    assert docs.stats()["history"]["retention_s"] == 3600 and docs.stats()["history"]["interval_s"] == 30
    version = docs.flush()
    docs.insert("new", [5, 5])
    docs.remove("a")
    docs.flush()
    past = docs.at_version(version)
    assert docs.as_of is None
    assert past.as_of["version"] == version and past.as_of["seq"] == 3 and past.as_of["time"].tzinfo is timezone.utc
    assert past.count() == 3 and past.get("a").id == "a"
    assert "new" not in past.search([5, 5]).ids and "new" in docs.search([5, 5]).ids
    with pytest.raises(ndb.ReadOnly):
        past.remove("a")
    first = docs.versions()[0]
    assert first["version"] == 1
    for time in (first["time"], first["time"].timestamp(), first["time"].isoformat()):
        assert docs.at_time(time).count() == 0
    for bad, error in (("yesterday", ndb.InvalidArgument), (-1, ndb.InvalidArgument), (0, ndb.NotFound),
                       (datetime.now(timezone.utc) + timedelta(days=1), ndb.InvalidArgument)):
        with pytest.raises(error):
            docs.at_time(bad)
    with pytest.raises(ndb.InvalidArgument):
        docs.at_version(10**9)
    for bad in (None, date(2026, 1, 1), "\ud800", float("nan"), 10**400):
        with pytest.raises(ndb.InvalidArgument) as caught:
            docs.at_time(bad)
        assert caught.value.field == "at_time"


def test_how_long_old_versions_are_kept(docs):
    for bad, field in (((-1,), "retention"), (("x",), "retention"), ((None,), "retention"), ((1, None), "interval"), ((1, "x"), "interval")):
        with pytest.raises(ndb.InvalidArgument) as caught:
            docs.set_history(*bad)
        assert caught.value.field == "history." + field
    docs.set_history(0.9, timedelta(milliseconds=1500))  # not 0, which would mean none
    assert docs.stats()["history"]["retention_s"] == 1 and docs.stats()["history"]["interval_s"] == 2
