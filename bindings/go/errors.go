package ndb

// #include <ndb.h>
import "C"

import (
	"context"
	"strings"
)

// Code says what went wrong; it is an error itself, for errors.Is.
type Code int

const (
	ErrInvalidArgument  Code = C.NDB_INVALID_ARGUMENT  // the request itself is wrong; Error.Field says where
	ErrNotFound         Code = C.NDB_NOT_FOUND         // no such collection, document or index
	ErrAlreadyExists    Code = C.NDB_ALREADY_EXISTS    // the collection exists already
	ErrCollectionLocked Code = C.NDB_COLLECTION_LOCKED // another process holds the write lock; the message names its pid and host
	ErrFenced           Code = C.NDB_FENCED            // another writer has taken over
	ErrCorruption       Code = C.NDB_CORRUPTION        // a file is damaged; the message names file and offset
	ErrIO               Code = C.NDB_IO_ERROR          // the operating system failed a call
	ErrNoSpace          Code = C.NDB_NO_SPACE          // the volume is full
	ErrReadOnly         Code = C.NDB_READ_ONLY         // opened read-only, or turned read-only after a failed write
	ErrReplicaLagging   Code = C.NDB_REPLICA_LAGGING   // MinSeq was not reached in time
	ErrTimeout          Code = C.NDB_TIMEOUT           // the deadline passed
	ErrOverloaded       Code = C.NDB_OVERLOADED        // too much is waiting; try again later
	ErrUnauthenticated  Code = C.NDB_UNAUTHENTICATED   // no valid key was given (daemons only)
	ErrPermissionDenied Code = C.NDB_PERMISSION_DENIED // the operating system does not allow it
	ErrUnavailable      Code = C.NDB_UNAVAILABLE       // closed, or inherited over a fork; a dropped collection is ErrNotFound
	ErrInternal         Code = C.NDB_INTERNAL          // a bug in nDB, or no memory
)

// String is the code's name in every interface of nDB: "not_found".
func (c Code) String() string { return C.GoString(C.ndb_code_name(C.ndb_code(c))) }

// Error is String.
func (c Code) Error() string { return c.String() }

// Error is a failure of the engine.
type Error struct {
	Code    Code
	Message string
	Field   string // the part of the request it is about ("documents[3].vector[17]"), or ""

	cause error // the context's error, if that ended the call
}

func (e *Error) Error() string { return "ndb: " + e.Message + " (" + e.Code.String() + ")" }

// Is holds for the error's code.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// Unwrap is the context's error if the call ended because of the context.
func (e *Error) Unwrap() error { return e.cause }

func invalid(field, message string) *Error {
	return &Error{Code: ErrInvalidArgument, Message: message, Field: field}
}

var errClosed = &Error{Code: ErrUnavailable, Message: "it was closed"}

// take makes an error of the library's, which it frees; nil for NDB_OK.
func take(ctx context.Context, code C.ndb_code, failure *C.ndb_error) error {
	if code == C.NDB_OK {
		return nil
	}
	made := &Error{Code: Code(code)}
	if failure != nil {
		made.Message = C.GoString(C.ndb_error_message(failure))
		made.Field = C.GoString(C.ndb_error_field(failure))
		C.ndb_error_free(failure)
	}
	if made.Code == ErrTimeout || made.Code == ErrReplicaLagging {
		made.cause = ctx.Err()
	}
	return made
}

// canceled is what a call answers whose context is done.
func canceled(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	return &Error{Code: ErrTimeout, Message: err.Error(), cause: err}
}

func hasNUL(text string) bool { return strings.IndexByte(text, 0) >= 0 }
