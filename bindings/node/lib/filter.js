// Conditions over payloads: F.eq("source", "wiki").and(F.lt("year", 2020).not()), or the same as an object in the JSON form.
"use strict";

const { invalid } = require("./errors.js");

/** An immutable condition, made by F. */
class Filter {
  #condition;
  #json;

  constructor(condition) {
    this.#json = JSON.stringify(condition);
    this.#condition = condition;
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

  /** The JSON form, for JSON.stringify as well. */
  toJSON() {
    return this.#condition;
  }

  toString() {
    return this.#json;
  }
}

function condition(part) {
  if (part instanceof Filter) return part.toJSON();
  if (part !== null && typeof part === "object" && !Array.isArray(part)) return part;
  throw invalid("filter", `a filter is an object or made by F, not ${part === null ? "null" : typeof part}`);
}

/** The JSON text of a filter; null for undefined and null. */
function filterText(filter) {
  if (filter === undefined || filter === null) return null;
  if (filter instanceof Filter) return filter.toString();
  return JSON.stringify(condition(filter));
}

const compare = (operator) => (path, value) => new Filter({ [path]: { [operator]: value } });

/** What filters are made of. Paths are dotted; numbers compare as numbers, otherwise types never convert. */
const F = Object.freeze({
  eq: compare("$eq"),
  ne: compare("$ne"),
  lt: compare("$lt"),
  lte: compare("$lte"),
  gt: compare("$gt"),
  gte: compare("$gte"),
  in: (path, values) => new Filter({ [path]: { $in: [...values] } }),
  notIn: (path, values) => new Filter({ [path]: { $nin: [...values] } }),
  exists: (path, exists = true) => new Filter({ [path]: { $exists: exists } }),
  and: (...parts) => new Filter({ $and: parts.map(condition) }),
  or: (...parts) => new Filter({ $or: parts.map(condition) }),
  not: (part) => new Filter({ $not: condition(part) }),
});

module.exports = { F, Filter, filterText };
