// The package for import.
import ndb from "./index.js";

export default ndb;
export const {
  open, openSync, Database, Collection, SearchResult, F, Filter, version, NdbError, InvalidArgument, NotFound, AlreadyExists, CollectionLocked,
  Fenced, Corruption, IoError, NoSpace, ReadOnly, ReplicaLagging, Timeout, Overloaded, Unauthenticated, PermissionDenied, Unavailable, Internal,
} = ndb;
