"""nDB, embedded: a vector database inside the program, shared by any number of processes.

    with ndb.open("./data") as db:
        docs = db.create_collection("docs", dim=768)
        docs.insert("a", vector, {"source": "wiki", "year": 2024})
        for match in docs.search(query, top_k=10, filter=ndb.F.eq("source", "wiki")):
            print(match.id, match.score, match.payload)

Every object may be used from any number of threads; calls release the GIL. Failures are subclasses of ndb.Error.
"""

from collections.abc import Sequence as _Sequence

from ._bulk import insert_all as _insert_all
from ._errors import (AlreadyExists, CollectionLocked, Corruption, Error, Fenced, Internal, InvalidArgument, IoError, NoSpace,
                      NotFound, Overloaded, PermissionDenied, ReadOnly, ReplicaLagging, Timeout, Unauthenticated, Unavailable)
from ._filters import F, Filter
from ._ndb import (Collection, Database, Document, Documents, Match, SearchResult, WriteResult, __version__, open)

Collection.insert_all = _insert_all
for _kind in (SearchResult, Documents):
    _kind.index, _kind.count = _Sequence.index, _Sequence.count
    _Sequence.register(_kind)
del _kind

__all__ = [
    "AlreadyExists", "Collection", "CollectionLocked", "Corruption", "Database", "Document", "Documents", "Error", "F", "Fenced", "Filter",
    "Internal", "InvalidArgument", "IoError", "Match", "NoSpace", "NotFound", "Overloaded", "PermissionDenied", "ReadOnly",
    "ReplicaLagging", "SearchResult", "Timeout", "Unauthenticated", "Unavailable", "WriteResult", "__version__", "open",
]
