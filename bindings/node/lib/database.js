// A folder that is open. As collection.js: each method answers a promise, its ...Sync twin at once.
"use strict";

const native = require("../ndb.node");
const { Collection } = require("./collection.js");
const convert = require("./convert.js");
const { invalid, makeError } = require("./errors.js");

native.init(makeError);

const OPEN_OPTIONS = new Set(["readOnly", "sharedMemory", "memtableBytes", "syncIntervalMs", "pollIntervalMs", "gcGraceMs", "indexThreads",
                              "indexMinRows", "segmentMaxRows", "mergeMbPerSecond"]);
const CONFIG = new Set(["dim", "distance", "durability", "m", "efConstruction", "efSearch", "quantization", "attributesOnly", "attributesNever"]);
const dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");
const asyncDispose = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");
const collection = (made) => new Collection(made);
const same = (answer) => answer;

const METHODS = {
  createCollection: {
    read: (name, config) => [convert.text(name, "name"), convert.options(config, CONFIG)],
    answer: collection,
  },
  getCollection: { read: (name) => [convert.text(name, "name")], answer: collection },
  hasCollection: { read: (name) => [convert.text(name, "name")] },
  listCollections: { read: () => [] },
  dropCollection: { read: (name) => [convert.text(name, "name")] },
  close: { read: () => [] },
};

function readOpen(folder, options) {
  if (folder instanceof URL) folder = require("node:url").fileURLToPath(folder);
  if (typeof folder !== "string" || folder.includes("\0")) throw invalid("path", "path is no path");
  return [folder, convert.options(options, OPEN_OPTIONS)];
}

class Database {
  #native;

  constructor(made) {
    this.#native = made;
  }

  static async open(folder, options) {
    return new Database(await native.open(...readOpen(folder, options)));
  }

  static openSync(folder, options) {
    return new Database(native.openSync(...readOpen(folder, options)));
  }

  [dispose]() {
    this.closeSync();
  }

  [asyncDispose]() {
    return this.close();
  }

  static {
    for (const [name, { read, answer = same }] of Object.entries(METHODS)) {
      const method = {
        async [name](...given) {
          return answer(await this.#native[name](...read(...given)));
        },
        [`${name}Sync`](...given) {
          return answer(this.#native[`${name}Sync`](...read(...given)));
        },
      };
      for (const [key, value] of Object.entries(method)) Object.defineProperty(this.prototype, key, { value, writable: true, configurable: true });
    }
  }
}

module.exports = { Database, version: native.version };
