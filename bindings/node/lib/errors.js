// One class for each error code.
"use strict";

/** code: its name in every interface of nDB; field: the part of the request it is about ("documents[3].vector[17]"), or "". */
class NdbError extends Error {
  constructor(code, message, field = "") {
    super(message);
    this.code = code;
    this.field = field;
  }

  get name() {
    return this.constructor.name;
  }
}

class InvalidArgument extends NdbError {}
class NotFound extends NdbError {}
class AlreadyExists extends NdbError {}
class CollectionLocked extends NdbError {}
class Fenced extends NdbError {}
class Corruption extends NdbError {}
class IoError extends NdbError {}
class NoSpace extends NdbError {}
class ReadOnly extends NdbError {}
class ReplicaLagging extends NdbError {}
class Timeout extends NdbError {}
class Overloaded extends NdbError {}
class Unauthenticated extends NdbError {}
class PermissionDenied extends NdbError {}
class Unavailable extends NdbError {}
class Internal extends NdbError {}

const byCode = {
  invalid_argument: InvalidArgument, not_found: NotFound, already_exists: AlreadyExists, collection_locked: CollectionLocked,
  fenced: Fenced, corruption: Corruption, io_error: IoError, no_space: NoSpace, read_only: ReadOnly, replica_lagging: ReplicaLagging,
  timeout: Timeout, overloaded: Overloaded, unauthenticated: Unauthenticated, permission_denied: PermissionDenied,
  unavailable: Unavailable, internal: Internal,
};

// The engine names a search's options as HTTP does: those alone become what they are called here.
const camelCase = (field) => (/^[a-z]+(_[a-z]+)+$/.test(field) ? field.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()) : field);

function makeError(code, message, field) {
  return new (byCode[code] ?? Internal)(code, message, camelCase(field));
}

function invalid(field, message) {
  return new InvalidArgument("invalid_argument", message, field);
}

module.exports = {
  classes: {
    NdbError, InvalidArgument, NotFound, AlreadyExists, CollectionLocked, Fenced, Corruption, IoError, NoSpace, ReadOnly, ReplicaLagging,
    Timeout, Overloaded, Unauthenticated, PermissionDenied, Unavailable, Internal,
  },
  makeError,
  invalid,
};
