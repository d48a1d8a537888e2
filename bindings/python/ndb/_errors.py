"""One exception for each error code. Those that mean what a built-in exception means are of that type, too."""

from __future__ import annotations


class Error(Exception):
    """code: its name in every interface of nDB; field: the part of the request it is about ("documents[3].vector[17]"), or ""."""

    code: str = "internal"

    def __init__(self, message: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    def __reduce__(self) -> tuple:
        return type(self), (self.message, self.field)


class InvalidArgument(Error, ValueError):
    code = "invalid_argument"


class NotFound(Error, LookupError):
    code = "not_found"


class AlreadyExists(Error):
    code = "already_exists"


class CollectionLocked(Error):
    code = "collection_locked"


class Fenced(Error):
    code = "fenced"


class Corruption(Error):
    code = "corruption"


class IoError(Error):
    code = "io_error"


class NoSpace(Error):
    code = "no_space"


class ReadOnly(Error):
    code = "read_only"


class ReplicaLagging(Error):
    code = "replica_lagging"


class Timeout(Error, TimeoutError):
    code = "timeout"

    def __str__(self) -> str:
        return self.message


class Overloaded(Error):
    code = "overloaded"


class Unauthenticated(Error):
    code = "unauthenticated"


class PermissionDenied(Error):
    code = "permission_denied"


class Unavailable(Error):
    code = "unavailable"


class Internal(Error):
    code = "internal"


BY_CODE = {kind.code: kind for kind in Error.__subclasses__()}
