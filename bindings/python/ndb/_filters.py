"""Conditions over payloads: F.eq("source", "wiki") & ~F.lt("year", 2020), or the same as a dict in the JSON form."""

from __future__ import annotations

import json
from typing import Any, Iterable, Union

from ._errors import InvalidArgument

Scalar = Union[None, bool, int, float, str]


class Filter:
    """An immutable condition, made by F; combined with & (and), | (or) and ~ (not). What it was made of may change: it is not kept."""

    __slots__ = ("_json",)

    def __init__(self, condition: dict) -> None:
        self._json = dumps(condition)

    def to_dict(self) -> dict:
        return json.loads(self._json)

    def to_json(self) -> str:
        return self._json

    def __and__(self, other: Filter | dict) -> Filter:
        return F.and_(self, other)

    def __rand__(self, other: Filter | dict) -> Filter:
        return F.and_(other, self)

    def __or__(self, other: Filter | dict) -> Filter:
        return F.or_(self, other)

    def __ror__(self, other: Filter | dict) -> Filter:
        return F.or_(other, self)

    def __invert__(self) -> Filter:
        return F.not_(self)

    def __bool__(self) -> bool:
        raise TypeError("a filter is neither true nor false: combine filters with &, | and ~, not with and, or and not")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self._json == other._json

    def __hash__(self) -> int:
        return hash(self._json)

    def __repr__(self) -> str:
        return f"ndb.Filter({self.to_dict()!r})"


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    """numpy's numbers and booleans, which json does not know."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be part of a payload or a filter")


def to_json(condition: Filter | dict) -> str:
    if isinstance(condition, Filter):
        return condition.to_json()
    if isinstance(condition, dict):
        return dumps(condition)
    raise TypeError(f"a filter is a dict or made by ndb.F, not {type(condition).__name__}")


def _joined(operator: str, parts: Iterable[Filter | dict]) -> Filter:
    """Of the parts' JSON as it is."""
    made = Filter.__new__(Filter)
    made._json = f'{{"{operator}":[{",".join(map(to_json, parts))}]}}'
    return made


def _values(path: str, operator: str, values: Iterable[Scalar]) -> Filter:
    if isinstance(values, (str, bytes)):  # an iterable, of letters: hardly what is meant
        raise InvalidArgument(f"{operator} needs a list of values; {values!r} is one", f"filter.{path}.{operator}")
    return Filter({path: {operator: list(values)}})


class F:
    """What filters are made of. Paths are dotted; numbers compare as numbers, otherwise types never convert."""

    @staticmethod
    def eq(path: str, value: Scalar) -> Filter:
        return Filter({path: {"$eq": value}})

    @staticmethod
    def ne(path: str, value: Scalar) -> Filter:
        return Filter({path: {"$ne": value}})

    @staticmethod
    def lt(path: str, value: Scalar) -> Filter:
        return Filter({path: {"$lt": value}})

    @staticmethod
    def lte(path: str, value: Scalar) -> Filter:
        return Filter({path: {"$lte": value}})

    @staticmethod
    def gt(path: str, value: Scalar) -> Filter:
        return Filter({path: {"$gt": value}})

    @staticmethod
    def gte(path: str, value: Scalar) -> Filter:
        return Filter({path: {"$gte": value}})

    @staticmethod
    def in_(path: str, values: Iterable[Scalar]) -> Filter:
        return _values(path, "$in", values)

    @staticmethod
    def not_in(path: str, values: Iterable[Scalar]) -> Filter:
        return _values(path, "$nin", values)

    @staticmethod
    def exists(path: str, exists: bool = True) -> Filter:
        return Filter({path: {"$exists": exists}})

    @staticmethod
    def and_(*parts: Filter | dict) -> Filter:
        return _joined("$and", parts)

    @staticmethod
    def or_(*parts: Filter | dict) -> Filter:
        return _joined("$or", parts)

    @staticmethod
    def not_(part: Filter | dict) -> Filter:
        made = Filter.__new__(Filter)
        made._json = f'{{"$not":{to_json(part)}}}'
        return made
