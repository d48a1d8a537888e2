"""Many documents from wherever they are: Collection.insert_all."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Iterable, Iterator

import numpy as np

from ._errors import InvalidArgument

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
            self.insert_batch(ids, vectors, payloads)
            done += len(ids)
            bar.update(len(ids))
    return done


def _batches(documents: Iterable[Any], rows: int) -> Iterator[tuple[list, list, list]]:
    source = iter(documents)
    at = 0
    while batch := [_parts(document, at + i) for i, document in enumerate(islice(source, rows))]:
        at += len(batch)
        ids, vectors, payloads = zip(*batch)
        yield list(ids), np.stack(vectors) if _stackable(vectors) else list(vectors), list(payloads)


def _stackable(vectors: tuple) -> bool:
    return all(isinstance(vector, np.ndarray) and vector.shape == vectors[0].shape for vector in vectors)


def _parts(document: Any, at: int) -> tuple[Any, Any, Any]:
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
    if "vector" not in names:
        raise InvalidArgument(f"the frame has no column 'vector', only {names}", "documents")
    rest = [name for name in frame.columns if str(name) not in ("id", "vector")]
    for start in range(0, len(frame), rows):
        part = frame.iloc[start:start + rows]
        ids = part["id"] if "id" in names else part.index
        payloads = [{str(key): value for key, value in row.items() if not _missing(value)} for row in part[rest].to_dict("records")] if rest else None
        yield [str(one) for one in ids], np.stack(part["vector"].to_numpy()), payloads


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value) or type(value).__name__ in ("NaTType", "NAType")


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
