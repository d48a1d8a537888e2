// What callers pass, checked, in the form that the native module takes; and what it answers, as objects.
"use strict";

const { invalid } = require("./errors.js");

const wellFormed = typeof String.prototype.isWellFormed === "function" ? (text) => text.isWellFormed() : (text) => !/\p{Surrogate}/u.test(text);

function text(value, field) {
  if (typeof value !== "string") throw invalid(field, `${field} is no string`);
  if (!wellFormed(value)) throw invalid(field, `${field} has a lone surrogate, which UTF-8 cannot say`);
  return value;
}

function texts(values, field) {
  if (typeof values === "string" || typeof values?.[Symbol.iterator] !== "function") throw invalid(field, `${field} is no list of strings`);
  const list = Array.isArray(values) ? values : Array.from(values);
  for (let i = 0; i < list.length; ++i)
    if (typeof list[i] !== "string" || !wellFormed(list[i])) text(list[i], `${field}[${i}]`);
  return list;
}

/** A Float32Array as it is; other lists of numbers are copied into one. */
function vector(value, field) {
  if (value instanceof Float32Array) return value;
  const list = Array.isArray(value) || ArrayBuffer.isView(value) ? value : null;
  if (list === null || list instanceof DataView || list instanceof BigInt64Array || list instanceof BigUint64Array)
    throw invalid(field, `${field} is no Float32Array or list of numbers`);
  for (let i = 0; i < list.length; ++i)
    if (typeof list[i] !== "number") throw invalid(`${field}[${i}]`, `${field}[${i}] is no number`);
  return Float32Array.from(list);
}

/** One Float32Array of all the vectors: as it is, if it is one already; checked to have `dim` elements for each, otherwise. */
function vectors(value, dim, field, name) {
  if (value instanceof Float32Array) return value;
  if (!Array.isArray(value)) throw invalid(field, `${field} is no Float32Array or list of vectors`);
  const all = new Float32Array(value.length * dim);
  for (let i = 0; i < value.length; ++i) {
    const one = vector(value[i], name(i));
    if (one.length !== dim) throw invalid(name(i), `${name(i)} has ${one.length} elements; the collection has dim ${dim}`);
    all.set(one, i * dim);
  }
  return all;
}

/** A payload's JSON text, or null. */
function payload(value, field) {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") {
    if (value === "") throw invalid(field, `${field} is empty text; it must be a JSON object or null`);
    return text(value, field);
  }
  if (typeof value !== "object" || Array.isArray(value)) throw invalid(field, `${field} is no object`);
  try {
    return JSON.stringify(value, (key, part) => {
      if (typeof part === "number" && !Number.isFinite(part)) throw new TypeError(`${key} is ${part}, which JSON cannot say`);
      return part;
    });
  } catch (error) {
    throw invalid(field, `${field} is not JSON: ${error.message}`);
  }
}

function number(value, otherwise, field) {
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== "number") throw invalid(field, `${field} is no number`);
  return value;
}

function flag(value, otherwise, field) {
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== "boolean") throw invalid(field, `${field} is no boolean`);
  return value;
}

/** An object with none but the known keys. */
function options(value, known) {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object") throw invalid("options", "options is no object");
  for (const key of Object.keys(value)) if (!known.has(key)) throw invalid(key, `unknown option ${key}`);
  return value;
}

const parse = (json) => (json === null ? null : JSON.parse(json));

/** Matches, best first, and the state they were computed at. */
class SearchResult extends Array {
  static get [Symbol.species]() {
    return Array;
  }

  get matches() {
    return this;
  }

  get ids() {
    return this.map((match) => match.id);
  }

  get scores() {
    return Float32Array.from(this, (match) => match.score);
  }
}

function searchResult(flat, withPayload, withVector) {
  const result = new SearchResult();
  Object.defineProperties(result, {
    seq: { value: flat[0] }, manifestVersion: { value: flat[1] }, tookUs: { value: flat[2] }, plan: { value: flat[3] },
  });
  for (let at = 4; at < flat.length; ) {
    const match = { id: flat[at], score: flat[at + 1] };
    at += 2;
    if (withPayload) match.payload = parse(flat[at++]);
    if (withVector) match.vector = flat[at++];
    result.push(match);
  }
  return result;
}

function documents(flat) {
  const all = [];
  for (let at = 0; at < flat.length; at += 3) all.push({ id: flat[at], vector: flat[at + 1], payload: parse(flat[at + 2]) });
  return all;
}

module.exports = { text, texts, vector, vectors, payload, number, flag, options, searchResult, documents, SearchResult };
