/// <reference lib="esnext.disposable" />
// nDB from Node: a vector database inside the program.
//
// Every method answers a promise and works off the event loop; its twin, named ...Sync, answers at once and is quicker for a single search.
// Failures are NdbErrors, one class for each code; a refused call changes nothing.
// Processes: any number may open one folder. The first mutation of a collection takes its write lock, kept until close(); another process
// that writes gets CollectionLocked. Reading takes no lock, and sees each acknowledged write.
// Memory: what is passed in may be changed or transferred as soon as the call has returned; a promise's call reads a copy.

export type Distance = "cosine" | "dot" | "euclidean";
export type Durability = "buffered" | "sync";
export type Quantization = "auto" | "none" | "sq8" | "rabitq";
export type Scalar = null | boolean | number | string;
/**
 * A payload: any JSON object; given as an object, or as its JSON text. Keys whose value is undefined are left out, toJSON is asked (a Date); what
 * JSON would lose (NaN, a Map, a Promise, a typed array, undefined in a list) is refused with its place.
 */
export type Payload = { [key: string]: any };
/** No bytes: floats in a Buffer are new Float32Array(buffer.buffer, buffer.byteOffset, buffer.length / 4). */
export type VectorLike = Float32Array | Float64Array | readonly number[];
/** Anything with elements but a string, which has its characters. */
export type List<T> = Iterable<T> & object;
/** What a filter may be made of: what JSON can say. Not undefined, NaN, a Date, a Map, a Promise: they are refused with their place. */
export type FilterValue = Scalar | Filter | readonly FilterValue[] | { readonly [key: string]: FilterValue };
/** A Filter made by F, or its JSON form: {source: "wiki", year: {$gte: 2020}}. */
export type FilterLike = Filter | { readonly [key: string]: FilterValue };

/** A URL of the scheme file:, said by its parts, so that neither the DOM's types nor Node's are needed. */
export interface FileUrl {
  readonly href: string;
  readonly protocol: string;
  readonly pathname: string;
  readonly searchParams: object;
}

export interface OpenOptions {
  /** Never lock, never write a byte; mutations fail with ReadOnly. */
  readOnly?: boolean;
  /** Wake-ups between processes of a host; without it they poll. Default true. */
  sharedMemory?: boolean;
  /** Documents held in memory before they are flushed to a segment. Default 64 MiB. */
  memtableBytes?: number;
  /** Buffered writes are synced at most this long after they were acknowledged. Default 100. */
  syncIntervalMs?: number;
  /** How often a reader looks at the files when nothing wakes it. Default 50. */
  pollIntervalMs?: number;
  /** How long files that nothing names are kept for readers on other hosts. Default 15 minutes. */
  gcGraceMs?: number;
  /** For building graphs; 0: all cores. */
  indexThreads?: number;
  /** Segments with fewer rows are scanned rather than indexed. Default 1,000. */
  indexMinRows?: number;
  /** Up to which compaction merges segments. Default 4,000,000. */
  segmentMaxRows?: number;
  /** MiB that merges and new graphs write a second at most. Default 0: no limit. */
  mergeMbPerSecond?: number;
}

export interface CollectionConfig {
  /** Elements of a vector, 1 to 65,536. */
  dim: number;
  /** score: cosine similarity (default), dot product, or Euclidean distance (not squared). */
  distance?: Distance;
  /** Acknowledged after write(2) (default), or after fdatasync(2). */
  durability?: Durability;
  /** Links per node, 2 to 128. Default 16. */
  m?: number;
  /** Candidates while building. Default 200. */
  efConstruction?: number;
  /** Candidates while searching, unless a search says otherwise. Default 64. */
  efSearch?: number;
  /** What graphs are walked on; matches are always ranked on the full vectors. Default "auto". */
  quantization?: Quantization;
  /** Dotted paths of payload fields: nothing but these is indexed for filters. Default, or empty: all that are not too large. */
  attributesOnly?: readonly string[];
  /** Dotted paths of payload fields that are not indexed for filters. */
  attributesNever?: readonly string[];
}

export interface DocumentInput {
  /** 1 to 512 bytes of UTF-8. */
  id: string;
  vector: VectorLike;
  payload?: Payload | string | null;
}

export interface Document {
  id: string;
  vector: Float32Array;
  payload: Payload | null;
}

export interface WriteResult {
  /** Of the last operation; for waitFor and minSeq. */
  seq: number;
  inserted: number;
  replaced: number;
  deleted: number;
  durability: Durability;
}

export interface SearchOptions {
  /** Matches wanted, 1 to 10,000. Default 10. */
  topK?: number;
  /** false scans exactly. Default true. */
  approximate?: boolean;
  /** Candidates while walking the graph. Default: the collection's efSearch. */
  ef?: number;
  /** Instead of ef: the share of the true nearest that is wanted, in (0, 1]. */
  recall?: number;
  filter?: FilterLike | null;
  /** Default true. */
  withPayload?: boolean;
  /** Default false. */
  withVector?: boolean;
  /** Wait until this write is visible here. */
  minSeq?: number;
  /** For waiting and searching together. Default: 1 s for waiting, none for searching. */
  timeoutMs?: number;
  /** Fill SearchResult.plan. */
  explain?: boolean;
}

export interface Match {
  id: string;
  score: number;
  /** null if the document has none; not there if withPayload is false. */
  payload?: Payload | null;
  /** If withVector was given. */
  vector?: Float32Array;
}

export interface SearchPlan {
  /** "exact", "codes", "cells", "graph", "filtered_graph", "two_hop", joined by "+". */
  plan: string;
  rowsMatched: number;
  distances: number;
  estimatedDistances: number;
  hops: number;
  bytesTouched: number;
}

/** Matches, best first: an array that also tells the state it was computed at. */
export class SearchResult extends Array<Match> {
  private constructor();
  readonly matches: Match[];
  readonly ids: string[];
  readonly scores: Float32Array;
  /** Every write up to it was seen, and none after. */
  readonly seq: number;
  readonly manifestVersion: number;
  readonly tookUs: number;
  /** If explain was given. */
  readonly plan: SearchPlan | null;
}

export interface ScrollOptions {
  filter?: FilterLike | null;
  /** 1 to 10,000. Default 100. */
  limit?: number;
  /** The id after which to begin. */
  after?: string | null;
}

export interface ScrollPage {
  /** Ordered by id. */
  documents: Document[];
  /** `after` for the next page; null at the end. */
  next: string | null;
}

export interface GetManyResult {
  /** In the order of the ids asked for. */
  documents: Document[];
  missing: string[];
}

export interface IndexStats {
  /** false after deleteIndex, until rebuildIndex. */
  enabled: boolean;
  building: boolean;
  indexedRows: number;
  unindexedRows: number;
  graphs: number;
  bytes: number;
  /** Of the build under way, 0 to 1. */
  progress: number;
}

export interface WaitOptions {
  /** Settle when it is published (default), or when it has begun. */
  wait?: boolean;
}

export class Collection {
  private constructor();
  readonly name: string;
  readonly dim: number;
  readonly distance: Distance;
  readonly durability: Durability;
  readonly m: number;
  readonly efConstruction: number;
  readonly efSearch: number;
  readonly quantization: Quantization;
  readonly attributesOnly: readonly string[];
  readonly attributesNever: readonly string[];

  /** Inserts, or replaces by id. */
  insert(document: DocumentInput): Promise<WriteResult>;
  insert(id: string, vector: VectorLike, payload?: Payload | string | null): Promise<WriteResult>;
  insertSync(document: DocumentInput): WriteResult;
  insertSync(id: string, vector: VectorLike, payload?: Payload | string | null): WriteResult;
  /** All of them, or none. vectors: one typed array of ids.length * dim values, or a list of vectors. */
  insertBatch(documents: readonly DocumentInput[]): Promise<WriteResult>;
  insertBatch(ids: List<string>, vectors: Float32Array | Float64Array | readonly VectorLike[], payloads?: readonly (Payload | string | null | undefined)[] | null): Promise<WriteResult>;
  insertBatchSync(documents: readonly DocumentInput[]): WriteResult;
  insertBatchSync(ids: List<string>, vectors: Float32Array | Float64Array | readonly VectorLike[], payloads?: readonly (Payload | string | null | undefined)[] | null): WriteResult;
  /** NotFound if there is none. */
  get(id: string): Promise<Document>;
  getSync(id: string): Document;
  getMany(ids: List<string>): Promise<GetManyResult>;
  getManySync(ids: List<string>): GetManyResult;
  /** NotFound if there is none. */
  remove(id: string): Promise<WriteResult>;
  removeSync(id: string): WriteResult;
  /** Those that exist, atomically. */
  removeMany(ids: List<string>): Promise<WriteResult>;
  removeManySync(ids: List<string>): WriteResult;
  /** {} stands for all documents. */
  removeWhere(filter: FilterLike): Promise<WriteResult>;
  removeWhereSync(filter: FilterLike): WriteResult;
  count(filter?: FilterLike | null): Promise<number>;
  countSync(filter?: FilterLike | null): number;
  scroll(options?: ScrollOptions): Promise<ScrollPage>;
  scrollSync(options?: ScrollOptions): ScrollPage;

  search(query: VectorLike, options?: SearchOptions): Promise<SearchResult>;
  searchSync(query: VectorLike, options?: SearchOptions): SearchResult;
  /** In parallel, all at one state. queries: one typed array of n * dim values, or a list of vectors. */
  searchBatch(queries: Float32Array | Float64Array | readonly VectorLike[], options?: SearchOptions): Promise<SearchResult[]>;
  searchBatchSync(queries: Float32Array | Float64Array | readonly VectorLike[], options?: SearchOptions): SearchResult[];

  /** Writes what is in memory to a segment. This and the next three answer the manifest's version. */
  flush(options?: WaitOptions): Promise<number>;
  flushSync(options?: WaitOptions): number;
  /** Merges segments and drops deleted rows. */
  compact(options?: WaitOptions): Promise<number>;
  compactSync(options?: WaitOptions): number;
  /** Builds every graph anew, and turns indexing on again. */
  rebuildIndex(options?: WaitOptions): Promise<number>;
  rebuildIndexSync(options?: WaitOptions): number;
  /** Drops every graph and builds none until rebuildIndex. */
  deleteIndex(): Promise<number>;
  deleteIndexSync(): number;
  hasIndex(): Promise<boolean>;
  hasIndexSync(): boolean;
  indexStats(): Promise<IndexStats>;
  indexStatsSync(): IndexStats;
  /** As the HTTP interface words it. */
  stats(): Promise<{ [key: string]: any }>;
  statsSync(): { [key: string]: any };
  /** The manifest in use. */
  manifest(): Promise<{ [key: string]: any }>;
  manifestSync(): { [key: string]: any };
  /** Readers that are known to this process, if it is the writer. */
  replicas(): Promise<{ [key: string]: any }[]>;
  replicasSync(): { [key: string]: any }[];
  /** Settles when everything up to seq is visible here; Timeout after timeoutMs (10,000 by default). */
  waitFor(seq: number, options?: { timeoutMs?: number }): Promise<void>;
  waitForSync(seq: number, options?: { timeoutMs?: number }): void;
  /** Takes the write lock now rather than at the first mutation. */
  acquireWriteLock(): Promise<void>;
  acquireWriteLockSync(): void;
}

export class Database {
  private constructor();
  /** Opens a folder, creating it unless readOnly. One engine serves all who open one folder in a process. */
  static open(folder: string | FileUrl, options?: OpenOptions): Promise<Database>;
  static openSync(folder: string | FileUrl, options?: OpenOptions): Database;

  /** AlreadyExists if there is one of that name ([A-Za-z0-9_-]{1,64}). */
  createCollection(name: string, config: CollectionConfig): Promise<Collection>;
  createCollectionSync(name: string, config: CollectionConfig): Collection;
  /** NotFound if there is none. Takes no lock. */
  getCollection(name: string): Promise<Collection>;
  getCollectionSync(name: string): Collection;
  hasCollection(name: string): Promise<boolean>;
  hasCollectionSync(name: string): boolean;
  listCollections(): Promise<string[]>;
  listCollectionsSync(): string[];
  dropCollection(name: string): Promise<void>;
  dropCollectionSync(name: string): void;
  /** Syncs and releases everything this process holds of the folder, through whichever object. `using` and `await using` call it. */
  close(): Promise<void>;
  closeSync(): void;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export const open: typeof Database.open;
export const openSync: typeof Database.openSync;
/** The library's version. */
export const version: string;

/** An immutable condition over payloads, made by F. */
export class Filter {
  private constructor();
  and(...others: FilterLike[]): Filter;
  or(...others: FilterLike[]): Filter;
  not(): Filter;
  /** A copy of its JSON form. */
  toJSON(): { [key: string]: any };
}

/** What filters are made of. Paths are dotted; numbers compare as numbers, otherwise types never convert. */
export const F: Readonly<{
  eq(path: string, value: Scalar): Filter;
  ne(path: string, value: Scalar): Filter;
  lt(path: string, value: Scalar): Filter;
  lte(path: string, value: Scalar): Filter;
  gt(path: string, value: Scalar): Filter;
  gte(path: string, value: Scalar): Filter;
  in(path: string, values: List<Scalar>): Filter;
  notIn(path: string, values: List<Scalar>): Filter;
  exists(path: string, exists?: boolean): Filter;
  /** Of nothing, it matches all. */
  and(...parts: FilterLike[]): Filter;
  or(...parts: FilterLike[]): Filter;
  not(part: FilterLike): Filter;
}>;

export class NdbError extends Error {
  /** Its name in every interface of nDB: "invalid_argument", "not_found", … */
  readonly code: string;
  /** The part of the request it is about ("documents[3].vector[17]"), or "". */
  readonly field: string;
}
export class InvalidArgument extends NdbError {}
export class NotFound extends NdbError {}
export class AlreadyExists extends NdbError {}
/** Another process holds the write lock; the message names its pid and host. */
export class CollectionLocked extends NdbError {}
export class Fenced extends NdbError {}
export class Corruption extends NdbError {}
export class IoError extends NdbError {}
export class NoSpace extends NdbError {}
export class ReadOnly extends NdbError {}
/** minSeq was not reached in time. */
export class ReplicaLagging extends NdbError {}
export class Timeout extends NdbError {}
export class Overloaded extends NdbError {}
export class Unauthenticated extends NdbError {}
export class PermissionDenied extends NdbError {}
/** Closed, or dropped. */
export class Unavailable extends NdbError {}
export class Internal extends NdbError {}
