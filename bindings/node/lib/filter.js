// Conditions over payloads: F.eq("source", "wiki").and(F.lt("year", 2020).not()), or the same as an object in the JSON form. What JSON cannot
// say is refused with its place: a condition that got lost on the way would let a removal remove everything.
"use strict";

const { invalid } = require("./errors.js");
const { copyOfFilter, describe, isPlain } = require("./plain.js");

let conditionOf;  // of a Filter; undefined of other objects

/** An immutable condition, made by F. */
class Filter {
  #condition;  // a copy of our own, which never leaves the package
  #json;

  constructor(condition) {
    this.#condition = checked(condition, "filter");
    this.#json = JSON.stringify(this.#condition);
    // Of its own, or {...filter} and what a worker is sent would be {}, which matches everything: so the one is refused, the other cannot be sent.
    this.toJSON = this.toJSON;
    Object.freeze(this);
  }

  static {
    conditionOf = (object) => (#condition in object ? object.#condition : undefined);
  }

  and(...others) {
    return F.and(this, ...others);
  }

  or(...others) {
    return F.or(this, ...others);
  }

  not() {
    return F.not(this);
  }

  /** The JSON form, for JSON.stringify as well: a copy. */
  toJSON() {
    return JSON.parse(this.#json);
  }

  toString() {
    return this.#json;
  }
}

/** A copy of a condition, which must be an object. */
function checked(condition, field) {
  const isObject = typeof condition === "object" && condition !== null;
  if (!isObject || Array.isArray(condition) || (conditionOf(condition) === undefined && !isPlain(condition)))
    throw invalid(field, `${field} is an object or made by F, not ${condition === null ? "null" : Array.isArray(condition) ? "a list" : describe(condition)}`);
  return copyOfFilter(condition, field, conditionOf);
}

/** The JSON text of a filter; null for undefined and null. */
function filterText(filter) {
  if (filter === undefined || filter === null) return null;
  return JSON.stringify(checked(filter, "filter"));
}

function named(path, condition) {
  if (typeof path !== "string") throw invalid("path", `the path of a filter is a string, not ${path === null ? "null" : describe(path)}`);
  return new Filter({ [path]: condition });
}

const compare = (operator) => (path, value) => named(path, { [operator]: value });

const list = (operator) => (path, values) => {
  if (typeof values !== "object" || typeof values?.[Symbol.iterator] !== "function") {
    const field = `filter.${String(path)}.${operator}`;
    throw invalid(field, `${field} is no list, but ${values === null ? "null" : describe(values)}`);
  }
  return named(path, { [operator]: [...values] });
};

// Each part is checked here, for a part that is no object would be taken for a value.
const combine = (operator) => (...parts) => {
  parts.forEach((part, i) => checked(part, `filter.${operator}[${i}]`));
  return new Filter({ [operator]: parts });
};

/** What filters are made of. Paths are dotted; numbers compare as numbers, otherwise types never convert. */
const F = Object.freeze({
  eq: compare("$eq"),
  ne: compare("$ne"),
  lt: compare("$lt"),
  lte: compare("$lte"),
  gt: compare("$gt"),
  gte: compare("$gte"),
  in: list("$in"),
  notIn: list("$nin"),
  exists: (path, exists = true) => named(path, { $exists: exists }),
  and: combine("$and"),
  or: combine("$or"),
  not: (part) => new Filter({ $not: checked(part, "filter.$not") }),
});

module.exports = { F, Filter, filterText };
