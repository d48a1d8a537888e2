// A collection: checks arguments, calls the native one, makes objects of what it answers. Each method has a twin, ...Sync, that answers at
// once and keeps the event loop waiting meanwhile.
"use strict";

const convert = require("./convert.js");
const { filterText } = require("./filter.js");
const { invalid } = require("./errors.js");
const expectSoon = require("./patience.js")(require("../ndb.node").linger);

const SEARCH_OPTIONS = new Set(["topK", "approximate", "ef", "recall", "filter", "withPayload", "withVector", "minSeq", "timeoutMs", "explain"]);
const MAX_WAIT_MS = 0xffffffff;
const same = (answer) => answer;

// What each method does. read(...arguments) -> the native method's arguments; answer(native answer, read arguments) -> what is answered; soon:
// whether it is usually done in less time than it takes to wake a sleeping thread.
const METHODS = {
  insert: {
    read(id, vector, payload) {
      if (typeof id === "object" && id !== null) {
        if (vector !== undefined || payload !== undefined) throw invalid("vector", "beside a document there is no vector or payload");
        ({ id, vector, payload } = convert.document(id, ""));
      }
      return [convert.text(id, "id"), convert.vector(vector, "vector"), convert.payload(payload, "payload")];
    },
  },
  insertBatch: {
    read(ids, vectors, payloads) {
      if (arguments.length < 2) return readDocuments(this.dim, ids);
      const list = convert.texts(ids, "ids");
      const all = convert.vectors(vectors, this.dim, "vectors", (i) => `documents[${i}].vector`);
      if (all.length !== list.length * this.dim)
        throw invalid("vectors", `there are ${all.length} numbers for ${list.length} ids; the collection has dim ${this.dim}`);
      return [list, all, readPayloads(payloads, list.length), all !== vectors];
    },
  },
  get: { soon: true, read: (id) => [convert.text(id, "id")], answer: (flat) => convert.documents(flat)[0] },
  getMany: {
    read: (ids) => [convert.texts(ids, "ids")],
    answer: (page) => ({ documents: convert.documents(page.documents), missing: page.missing }),
  },
  remove: { read: (id) => [convert.text(id, "id")] },
  removeMany: { read: (ids) => [convert.texts(ids, "ids")] },
  removeWhere: {
    read(filter) {
      // Nothing is refused, not taken for everything: too much would be gone by a mistake.
      if (filter === undefined || filter === null) throw invalid("filter", "filter is missing; {} stands for all documents");
      return [filterText(filter)];
    },
  },
  count: { read: (filter) => [filterText(filter)] },
  scroll: {
    read(options) {
      const { filter, limit, after } = convert.options(options, new Set(["filter", "limit", "after"]));
      return [filterText(filter), convert.number(limit, 100, "limit"), after === undefined || after === null ? null : convert.text(after, "after")];
    },
    answer: (page) => ({ documents: convert.documents(page.documents), next: page.next }),
  },
  search: {
    soon: true,
    read: (query, options) => [convert.vector(query, "vector"), ...searchOptions(options)],
    answer: (flat, read) => convert.searchResult(flat, (read[2] & 2) !== 0, (read[2] & 4) !== 0),
  },
  searchBatch: {
    read(queries, options) {
      const all = convert.vectors(queries, this.dim, "searches", (i) => `searches[${i}].vector`);
      if (all.length % this.dim !== 0) throw invalid("searches", `${all.length} numbers are no vectors of dim ${this.dim}`);
      return [all, all.length / this.dim, ...searchOptions(options)];
    },
    answer: (results, read) => results.map((flat) => convert.searchResult(flat, (read[3] & 2) !== 0, (read[3] & 4) !== 0)),
  },
  flush: { read: readWait },
  compact: { read: readWait },
  rebuildIndex: { read: readWait },
  deleteIndex: { read: () => [] },
  hasIndex: { read: () => [] },
  indexStats: { read: () => [] },
  stats: { read: () => [], answer: JSON.parse },
  manifest: { read: () => [], answer: JSON.parse },
  replicas: { read: () => [], answer: (json) => JSON.parse(json).replicas },
  waitFor: {
    read(seq, options) {
      const { timeoutMs } = convert.options(options, new Set(["timeoutMs"]));
      return [convert.number(seq, NaN, "seq"), Math.min(convert.number(timeoutMs, 10_000, "timeoutMs"), MAX_WAIT_MS)];
    },
  },
  acquireWriteLock: { read: () => [] },
};

function readWait(options) {
  const { wait } = convert.options(options, new Set(["wait"]));
  return [convert.flag(wait, true, "wait")];
}

function readPayloads(payloads, count) {
  if (payloads === undefined || payloads === null) return null;
  if (!Array.isArray(payloads) || payloads.length !== count) throw invalid("payloads", `payloads must be a list of ${count}`);
  return payloads.map((payload, i) => convert.payload(payload, `documents[${i}].payload`));
}

function readDocuments(dim, documents) {
  if (!Array.isArray(documents)) throw invalid("documents", "documents is no list");
  const list = documents.map((document, i) => {
    if (typeof document !== "object" || document === null) throw invalid(`documents[${i}]`, `documents[${i}] is no document`);
    return convert.text(convert.document(document, `documents[${i}].`).id, `documents[${i}].id`);
  });
  const vectors = convert.vectors(documents.map((document) => document.vector), dim, "documents", (i) => `documents[${i}].vector`);
  return [list, vectors, readPayloads(documents.map((document) => document.payload), list.length), true];
}

function searchOptions(given) {
  if (given === undefined) return [10, 3, 0, 0, null, 0, 0];
  const options = convert.options(given, SEARCH_OPTIONS);
  const flags =
    (convert.flag(options.approximate, true, "approximate") ? 1 : 0) | (convert.flag(options.withPayload, true, "withPayload") ? 2 : 0) |
    (convert.flag(options.withVector, false, "withVector") ? 4 : 0) | (convert.flag(options.explain, false, "explain") ? 8 : 0);
  return [
    convert.number(options.topK, 10, "topK"), flags, givenOrNone(options.ef, "ef"), givenOrNone(options.recall, "recall"),
    filterText(options.filter), convert.number(options.minSeq, 0, "minSeq"), givenOrNone(options.timeoutMs, "timeoutMs"),
  ];
}

// For the native side 0 is "not given": who gives it is told so here.
function givenOrNone(value, field) {
  const number = convert.number(value, null, field);
  if (number === null) return 0;
  if (!(number > 0)) throw invalid(field, `${field} is ${number}`);
  return number;
}

class Collection {
  #native;

  constructor(native) {
    this.#native = native;
    Object.assign(this, native.config());
    Object.freeze(this);
  }

  static {
    for (const [name, { read, answer = same, soon = false }] of Object.entries(METHODS)) {
      const method = {
        async [name](...given) {
          const passed = read.apply(this, given);
          const answered = this.#native[name](...passed);
          if (soon) expectSoon();
          return answer(await answered, passed);
        },
        [`${name}Sync`](...given) {
          const passed = read.apply(this, given);
          return answer(this.#native[`${name}Sync`](...passed), passed);
        },
      };
      for (const [key, value] of Object.entries(method)) Object.defineProperty(this.prototype, key, { value, writable: true, configurable: true });
    }
  }
}

module.exports = { Collection };
