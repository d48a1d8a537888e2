"""Many documents from wherever they are: Collection.insert_all."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Sequence

import numpy as np

from ._errors import Error, InvalidArgument

if TYPE_CHECKING:
    from ._ndb import Collection


def insert_all(self: Collection, documents: Any, *, batch_rows: int = 1000, progress: bool | None = None, total: int | None = None) -> int:
    if batch_rows < 1:
        raise InvalidArgument(f"batch_rows is {batch_rows}", "batch_rows")
    if _is_frame(documents):
        batches, total = _frame_batches(documents, batch_rows), len(documents)
    else:
        if total is None and hasattr(documents, "__len__"):
            total = len(documents)
        batches = _batches(documents, batch_rows)
    done = 0
    with _bar(progress, total) as bar:
        for ids, vectors, payloads in batches:
            try:
                self.insert_batch(ids, vectors, payloads)
            except Error as error:
                _move(error, done)
                raise
            done += len(ids)
            bar.update(len(ids))
    return done


def _move(error: Error, by: int) -> None:
    """The batch's documents[3] is documents[by + 3] of the source."""
    if place := re.match(r"(documents|ids)\[(\d+)\]", error.field):
        moved = f"{place[1]}[{int(place[2]) + by}]"
        error.field = moved + error.field[place.end():]
        error.message = error.message.replace(place[0], moved, 1)
        error.args = (error.message,)


def _batches(documents: Iterable[Any], rows: int) -> Iterator[tuple[list, list, list]]:
    source = iter(documents)
    at = 0
    while batch := [_parts(document, at + i) for i, document in enumerate(islice(source, rows))]:
        at += len(batch)
        ids, vectors, payloads = zip(*batch)
        yield list(ids), _stacked(vectors), list(payloads)


def _stacked(vectors: Sequence[Any]) -> Any:
    """One array of many equal ones; what is no such thing is left to insert_batch, which names the one that is wrong."""
    first = vectors[0]
    if all(type(vector) is np.ndarray and vector.ndim == 1 and vector.shape == first.shape and vector.dtype == first.dtype for vector in vectors):
        if first.dtype.kind in "biuf":
            return np.stack(vectors)
    return list(vectors)


def _parts(document: Any, at: int) -> tuple[Any, Any, Any]:
    id, vector, payload = _read(document, at)
    return id, _checked(vector, at), payload


def _checked(vector: Any, at: int) -> Any:
    """Many scalars would look like one vector."""
    if _missing(vector) or np.isscalar(vector):
        raise InvalidArgument(f"documents[{at}].vector is {vector!r}, which is no array of real numbers", f"documents[{at}].vector")
    return vector


def _read(document: Any, at: int) -> tuple[Any, Any, Any]:
    """Of {"id", "vector", "payload"}, (id, vector) or (id, vector, payload), or an object with these names, such as ndb.Document."""
    if isinstance(document, dict):
        unknown = document.keys() - {"id", "vector", "payload"}
        if unknown or not {"id", "vector"} <= document.keys():
            raise InvalidArgument(f"documents[{at}] needs id and vector, and may have payload; it has {sorted(document)}", f"documents[{at}]")
        return document["id"], document["vector"], document.get("payload")
    if isinstance(document, (tuple, list)) and len(document) in (2, 3):
        return (*document, None) if len(document) == 2 else tuple(document)
    if hasattr(document, "id") and hasattr(document, "vector"):
        return document.id, document.vector, getattr(document, "payload", None)
    raise InvalidArgument(f"documents[{at}] is neither a dict nor a tuple of id, vector and payload", f"documents[{at}]")


def _is_frame(documents: Any) -> bool:
    """A pandas.DataFrame, without importing pandas."""
    return hasattr(documents, "columns") and hasattr(documents, "iloc")


def _frame_batches(frame: Any, rows: int) -> Iterator[tuple[list, Any, list | None]]:
    """Columns id (or else the index) and vector; the others become the payload, without what is missing."""
    names = [str(name) for name in frame.columns]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise InvalidArgument(f"the frame has several columns {twice[0]!r}", "documents")
    if "vector" not in names:
        raise InvalidArgument(f"the frame has no column 'vector', only {names}", "documents")
    rest = [name for name in frame.columns if str(name) not in ("id", "vector")]
    for start in range(0, len(frame), rows):
        part = frame.iloc[start:start + rows]
        ids = part["id"] if "id" in names else part.index
        payloads = [{str(key): value for key, value in row.items() if not _missing(value)} for row in part[rest].to_dict("records")] if rest else None
        vectors = [_checked(vector, at) for at, vector in enumerate(part["vector"], start)]
        yield [_named(one, at) for at, one in enumerate(ids, start)], _stacked(vectors), payloads


def _named(one: Any, at: int) -> str:
    if _missing(one):
        raise InvalidArgument(f"row {at} of the frame has no id", f"ids[{at}]")
    return str(one)


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, (float, np.floating)) and value != value) or type(value).__name__ in ("NaTType", "NAType")


class _NoBar:
    def __enter__(self) -> _NoBar:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def update(self, _: int) -> None:
        pass


def _bar(progress: bool | None, total: int | None) -> Any:
    """tqdm's, where it is installed; with progress=None only on a terminal."""
    if progress is False:
        return _NoBar()
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _NoBar()
    return tqdm(total=total, unit="docs", disable=None if progress is None else False)
