"""Answers are sequences of values, and nothing makes them but calls."""

from collections.abc import Sequence

import pytest

import ndb


def test_answers_are_sequences_of_values(docs):
    result = docs.search([0, 0], with_vector=True)
    documents = docs.scroll()
    for items, others in ((result, docs.search([0, 0], with_vector=True)), (documents, docs.get_many(["a", "b", "c"]))):
        assert isinstance(items, Sequence) and list(items) == list(others) and list(reversed(items)) == [items[2], items[1], items[0]]
        assert items[0] in items and others[1] in items and "a" not in items and items[0] != items[1] and items[0] != "a"
        assert (items.index(others[2]), items.count(others[2]), items.index(others[1], 1, 2)) == (2, 1, 1)
        with pytest.raises(ValueError):
            items.index(others[0], 1)
        assert items[1:] == [items[1], items[2]] and items[::-2] == [items[2], items[0]] and items[5:] == []
        assert len({*items, *others}) == 3
    assert docs.search([0, 0])[0] not in result and result[0] not in documents  # without a vector; of another kind
    before = docs.get("b")
    docs.insert("b", [1, 0], '{ "tags": ["x", "y"], "n": 1 }')
    assert docs.get("b") == before and docs.insert("b", [1, 0], {"n": 2}).replaced and docs.get("b") != before


@pytest.mark.parametrize("kind", [ndb.Database, ndb.Collection, ndb.SearchResult, ndb.Match, ndb.Documents, ndb.Document, ndb.WriteResult])
def test_objects_are_not_made_around_nothing(kind):
    class Child(kind):
        pass

    for make in (kind, lambda: kind.__new__(kind), lambda: object.__new__(kind), lambda: kind.__mro__[1].__new__(kind), Child, lambda: Child.__new__(Child)):
        with pytest.raises(TypeError):
            make()
