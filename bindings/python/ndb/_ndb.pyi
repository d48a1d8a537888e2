"""The extension: what it does is said where the C++ and HTTP interfaces say it; here are names, types and units."""

import os
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Literal, Sequence, overload

import numpy as np
import numpy.typing as npt

from ._filters import Filter

__version__: str

_Payload = dict[str, Any] | str | None
_Filter = Filter | dict[str, Any] | None
_Floats = npt.NDArray[np.float32]

class WriteResult:
    """seq: of the last operation of the write, for wait_for and min_seq."""

    @property
    def seq(self) -> int: ...
    @property
    def inserted(self) -> int: ...
    @property
    def replaced(self) -> int: ...
    @property
    def deleted(self) -> int: ...
    @property
    def durability(self) -> Literal["buffered", "sync"]: ...

class Document:
    """Equal to another of the same id, payload and vector."""

    @property
    def id(self) -> str: ...
    @property
    def payload(self) -> dict[str, Any] | None: ...
    @property
    def vector(self) -> _Floats:
        """[dim], read-only, not a copy."""

class Documents(Sequence[Document]):
    @property
    def ids(self) -> list[str]: ...
    @property
    def missing(self) -> list[str]:
        """Of get_many: ids that do not exist."""
    @property
    def next(self) -> str | None:
        """Of scroll: `after` for the next page, None at the end."""
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> list[Document]: ...
    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int: ...  # type: ignore[override]
    def count(self, value: Any) -> int: ...

class Match:
    """Equal to another of the same id, score, payload and vector."""

    @property
    def id(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def payload(self) -> dict[str, Any] | None: ...
    @property
    def vector(self) -> _Floats | None:
        """[dim], read-only, not a copy; None unless with_vector was given."""

class SearchResult(Sequence[Match]):
    """Best first."""

    @property
    def ids(self) -> list[str]: ...
    @property
    def scores(self) -> _Floats: ...
    @property
    def seq(self) -> int:
        """Every write up to it was seen, and none after."""
    @property
    def manifest_version(self) -> int: ...
    @property
    def took_us(self) -> int: ...
    @property
    def plan(self) -> dict[str, Any] | None:
        """How it was computed, if explain was given."""
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int) -> Match: ...
    @overload
    def __getitem__(self, index: slice) -> list[Match]: ...
    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int: ...  # type: ignore[override]
    def count(self, value: Any) -> int: ...

class Collection:
    @property
    def name(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def distance(self) -> Literal["cosine", "dot", "euclidean"]: ...
    @property
    def durability(self) -> Literal["buffered", "sync"]: ...
    def insert(self, id: str, vector: npt.ArrayLike, payload: _Payload = None) -> WriteResult: ...
    def insert_batch(self, ids: Sequence[str], vectors: npt.ArrayLike, payloads: Sequence[_Payload] | None = None) -> WriteResult:
        """All or nothing. vectors: [len(ids), dim]; a C-ordered float32 array is not copied, and must not change meanwhile."""
    def insert_all(self, documents: Any, *, batch_rows: int = 1000, progress: bool | None = None, total: int | None = None) -> int:
        """Batch by batch, from any iterable of {"id", "vector", "payload"}, (id, vector[, payload]) or Documents, or from a pandas.DataFrame with
        the columns id (or else its index) and vector, whose other columns become the payload. Answers how many. Each batch is atomic: a failure
        leaves those before it in. progress: a tqdm bar, if that is installed; None: on a terminal only. total: for the bar."""
    def get(self, id: str) -> Document: ...
    def get_many(self, ids: Sequence[str]) -> Documents: ...
    def remove(self, id: str) -> WriteResult: ...
    def remove_many(self, ids: Sequence[str]) -> WriteResult: ...
    def remove_where(self, filter: Filter | dict[str, Any]) -> WriteResult: ...
    def count(self, filter: _Filter = None) -> int: ...
    def scroll(self, filter: _Filter = None, limit: int = 100, after: str | None = None) -> Documents: ...
    def search(self, query: npt.ArrayLike, top_k: int = 10, *, approximate: bool = True, ef: int | None = None, recall: float | None = None,
               filter: _Filter = None, with_payload: bool = True, with_vector: bool = False, min_seq: int = 0,
               timeout: float | None = None, explain: bool = False) -> SearchResult:
        """timeout: seconds, for waiting for min_seq and searching together."""
    def search_batch(self, queries: npt.ArrayLike, top_k: int = 10, *, approximate: bool = True, ef: int | None = None,
                     recall: float | None = None, filter: _Filter = None, with_payload: bool = True, with_vector: bool = False,
                     min_seq: int = 0, timeout: float | None = None, explain: bool = False) -> list[SearchResult]:
        """queries: [n, dim]; in parallel, all at one state."""
    def flush(self, wait: bool = True) -> int:
        """This and the next three answer the manifest's version."""
    def compact(self, wait: bool = True) -> int: ...
    def rebuild_index(self, wait: bool = True) -> int: ...
    def delete_index(self) -> int: ...
    def has_index(self) -> bool: ...
    def index_stats(self) -> dict[str, Any]: ...
    def stats(self) -> dict[str, Any]: ...
    def manifest(self) -> dict[str, Any]: ...
    def replicas(self) -> list[dict[str, Any]]: ...
    def wait_for(self, seq: int, timeout: float = 10.0) -> None: ...
    def acquire_write_lock(self) -> None: ...
    def at_version(self, version: int) -> Collection:
        """The collection as it was at a version: everything that reads works on it. NotFound if that is kept no longer."""
    def at_time(self, time: datetime | float | str) -> Collection:
        """The same for the newest version published by then: a datetime, seconds as of time.time(), or a text in RFC 3339."""
    @property
    def as_of(self) -> dict[str, Any] | None:
        """version, seq and time (datetime) of the state that this shows, if it is an old one."""
    def versions(self) -> list[dict[str, Any]]:
        """version, seq and time of those that are there, oldest first; the last is the newest."""
    def set_history(self, retention: timedelta | float, interval: timedelta | float = 60) -> int:
        """Keep old versions this long (0: no longer than readers need them), and make one at least every interval; in whole seconds, rounded up."""

class Database:
    @staticmethod
    def open(path: str | bytes | os.PathLike[str], *, read_only: bool = False, memtable_bytes: int = ..., sync_interval: float = 0.1,
             poll_interval: float = 0.05, gc_grace: float = 900.0, index_threads: int = 0, index_min_rows: int = 1000,
             segment_max_rows: int = 4_000_000, merge_mb_per_second: int = 0, shared_memory: bool = True) -> Database: ...
    def create_collection(self, name: str, dim: int, *, distance: Literal["cosine", "dot", "euclidean"] = "cosine",
                          durability: Literal["buffered", "sync"] = "buffered", m: int = 16, ef_construction: int = 200,
                          ef_search: int = 64, quantization: Literal["auto", "none", "sq8", "rabitq"] = "auto",
                          attributes_only: Sequence[str] = (), attributes_never: Sequence[str] = ()) -> Collection:
        """attributes_only, attributes_never: dotted paths of payload fields that filters find by an index: nothing but these (empty: all that are
        not too large), and not these."""
    def get_collection(self, name: str) -> Collection: ...
    def has_collection(self, name: str) -> bool: ...
    def list_collections(self) -> list[str]: ...
    def drop_collection(self, name: str) -> None: ...
    def close(self) -> None:
        """Syncs and releases everything this process holds of the folder, through whichever object."""
    def __enter__(self) -> Database: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

def open(path: str | bytes | os.PathLike[str], *, read_only: bool = False, memtable_bytes: int = ..., sync_interval: float = 0.1,
         poll_interval: float = 0.05, gc_grace: float = 900.0, index_threads: int = 0, index_min_rows: int = 1000,
         segment_max_rows: int = 4_000_000, merge_mb_per_second: int = 0, shared_memory: bool = True) -> Database:
    """Opens a folder, creating it unless read_only. Times are in seconds. One engine serves all who open one folder in a process."""
