// Copies of what callers pass as filters and payloads, made of nothing but what JSON can say. JSON.stringify is silent about the rest: it drops
// undefined and functions, makes {} of Maps and Promises and null of NaN. A filter that lost its only condition so would match all documents.
"use strict";

const { types } = require("node:util");
const { invalid } = require("./errors.js");

const MOST_LEVELS = 1000;

/** Whether its prototype is Object.prototype, of whichever realm, or null. */
function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf"));
}

function describe(value) {
  if (typeof value === "bigint") return `the BigInt ${value}`;
  if (typeof value !== "object" || value === null) return typeof value === "number" || value === undefined ? String(value) : `a ${typeof value}`;
  return types.isPromise(value) ? "a Promise; is an await missing?" : `a ${Object.getPrototypeOf(value)?.constructor?.name || "class instance"}`;
}

/** One copy under way, which knows where it is. */
class Copier {
  constructor(field, convert, dropsUndefined) {
    this.field = field;
    this.convert = convert;  // what an object that is not plain stands for, or undefined
    this.dropsUndefined = dropsUndefined;
    this.holders = [];
    this.keys = [];
  }

  refuse(why) {
    const place = this.keys.reduce((text, key) => text + (typeof key === "number" ? `[${key}]` : `.${String(key)}`), this.field);
    throw invalid(place, `${place} is ${why}`);
  }

  copy(value) {
    if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (typeof value !== "object") this.refuse(`${describe(value)}, which JSON cannot say`);
    if (this.holders.includes(value)) this.refuse("inside itself");
    if (this.holders.length === MOST_LEVELS) throw invalid(this.field, `${this.field} is nested deeper than ${MOST_LEVELS} levels`);
    this.holders.push(value);
    const copied = Array.isArray(value) ? this.copyList(value) : this.copyObject(value);
    this.holders.pop();
    return copied;
  }

  copyList(list) {
    const copied = new Array(list.length);
    for (let i = 0; i < list.length; ++i) {
      this.keys.push(i);
      copied[i] = this.copy(list[i]);
      this.keys.pop();
    }
    return copied;
  }

  copyObject(object) {
    const converted = this.convert(object, this);
    if (converted !== undefined) return converted;
    if (Object.getOwnPropertySymbols(object).length > 0) this.refuse("an object with a symbol as key, which JSON cannot say");
    const copied = {};
    for (const key of Object.keys(object)) {
      const value = object[key];
      if (value === undefined && this.dropsUndefined) continue;
      this.keys.push(key);
      const part = this.copy(value);
      this.keys.pop();
      if (key === "__proto__") Object.defineProperty(copied, key, { value: part, enumerable: true });
      else copied[key] = part;
    }
    return copied;
  }
}

/** A deep copy of part of a filter. known: the copy that stands for an object that is one already, or undefined. */
function copyOfFilter(value, field, known) {
  const convert = (object, copier) => known(object) ?? (isPlain(object) ? undefined : copier.refuse(`${describe(object)}, no plain object`));
  return new Copier(field, convert, false).copy(value);
}

// JSON.stringify makes {} of all of these, or of their elements what nobody would expect.
const losesAll = (object) =>
  types.isMap(object) || types.isSet(object) || types.isPromise(object) || types.isNativeError(object) || types.isAnyArrayBuffer(object) ||
  ArrayBuffer.isView(object) || types.isRegExp(object) || types.isWeakMap(object) || types.isWeakSet(object);

// A class's objects say with toJSON what they are, as a Date does, or are taken for their fields; one that shows none keeps them elsewhere.
function convertOfPayload(object, copier) {
  if (losesAll(object)) copier.refuse(`${describe(object)}, which JSON cannot say`);
  if (typeof object.toJSON === "function") {
    const key = copier.keys.at(-1);
    const said = object.toJSON(key === undefined ? "" : String(key));
    if (said === undefined) copier.refuse(`${describe(object)} whose toJSON answers undefined`);
    return copier.copy(said === object ? { ...object, toJSON: undefined } : said);
  }
  if (types.isBoxedPrimitive(object)) return copier.copy(object.valueOf());
  if (!isPlain(object) && Object.keys(object).length === 0) copier.refuse(`${describe(object)} without fields or toJSON`);
  return undefined;
}

/** The JSON text of an object. As JSON.stringify, it leaves out keys whose value is undefined: a field that is not given. */
function textOfPayload(value, field) {
  return JSON.stringify(new Copier(field, convertOfPayload, true).copy(value));
}

module.exports = { copyOfFilter, textOfPayload, isPlain, describe };
