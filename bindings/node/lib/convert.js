// What callers pass, checked, in the form that the native module takes; and what it answers, as objects.
"use strict";

const { types } = require("node:util");
const { invalid } = require("./errors.js");
const { textOfPayload } = require("./plain.js");

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

/** A Float32Array as it is; a Float64Array or a list of numbers copied into one. Bytes are refused: mostly they are floats in a Buffer. */
function vector(value, field) {
  if (types.isFloat32Array(value)) return value;
  if (types.isFloat64Array(value)) return Float32Array.from(value);
  if (!Array.isArray(value)) throw invalid(field, `${field} is no Float32Array, Float64Array or list of numbers`);
  for (let i = 0; i < value.length; ++i)
    if (typeof value[i] !== "number") throw invalid(`${field}[${i}]`, `${field}[${i}] is no number`);
  return Float32Array.from(value);
}

/** One Float32Array of all the vectors: as it is, if it is one already; checked to have `dim` elements for each, if it is a list of them. */
function vectors(value, dim, field, name) {
  if (types.isFloat32Array(value)) return value;
  if (types.isFloat64Array(value)) return Float32Array.from(value);
  if (!Array.isArray(value)) throw invalid(field, `${field} is no Float32Array, Float64Array or list of vectors`);
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
  return textOfPayload(value, field);
}

/** An object of an id, a vector and a payload. at: where, with the dot before its keys, or "". */
function document(value, at) {
  for (const key of Object.keys(value))
    if (key !== "id" && key !== "vector" && key !== "payload")
      throw invalid(at + key, `${at}${key} is no part of a document, which has id, vector and payload`);
  return value;
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

module.exports = { text, texts, vector, vectors, payload, document, number, flag, options, searchResult, documents, SearchResult };
