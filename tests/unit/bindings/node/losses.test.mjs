// What JSON cannot say is refused with its place, in filters and in documents, rather than lost without a word.
import assert from "node:assert/strict";
import test from "node:test";
import vm from "node:vm";

import { collection, ndb } from "./support.mjs";

const { F } = ndb;

class Account {
  #id = 7;
  get id() {
    return this.#id;
  }
}
const isAt = (field) => (error) =>
  error instanceof ndb.InvalidArgument && error.code === "invalid_argument" && error.field === field && error.message.length > 0;
const around = {};
around.self = { around };
const deep = {};
for (let i = 0, at = deep; i < 100_000; ++i) at = at.a = {};

const refusedValues = {
  undefined, map: new Map([["a", 1]]), set: new Set([1]), promise: Promise.resolve("u1"), instance: new Account(), date: new Date(0), function: () => "u1",
  symbol: Symbol("u1"), bigint: 1n, nan: NaN, infinity: -Infinity, error: new Error("u1"), buffer: Buffer.from("u1"), array: new Float32Array(1),
  boxed: new String("u1"), regexp: /u1/, json: { toJSON: () => undefined }, hidden: { [Symbol("user")]: 1 },
};

test("a filter with a value that JSON would lose is refused, and nothing is removed", async (t) => {
  const { docs } = await collection(t);
  for (const [name, value] of Object.entries(refusedValues)) {
    const end = name === "json" ? ".toJSON" : "";
    const cases = [
      [`filter.user${end}`, { user: value }], [`filter.user.$eq${end}`, { user: { $eq: value } }], [`filter.$and[1].n${end}`, { $and: [{ n: 1 }, { n: value }] }],
      [`filter.user.$in[0]${end}`, { user: { $in: [value] } }], [`filter.$or[1].$not.n${end}`, { $or: [F.eq("n", 1), { $not: { n: value } }] }],
    ];
    for (const [field, filter] of cases) {
      for (const call of [() => docs.removeWhere(filter), () => docs.count(filter), () => docs.search([0, 0], { filter }), () => docs.scroll({ filter })])
        await assert.rejects(call, isAt(field), `${name} ${field}`);
      assert.throws(() => docs.removeWhereSync(filter), isAt(field), `${name} ${field}`);
    }
    assert.throws(() => F.eq("user", value), isAt(`filter.user.$eq${end}`), name);
    assert.throws(() => F.in("user", [1, value]), isAt(`filter.user.$in[1]${end}`), name);
    assert.throws(() => F.and({ n: 1 }, { n: value }), isAt(`filter.$and[1].n${end}`), name);
    assert.throws(() => F.not({ n: value }), isAt(`filter.$not.n${end}`), name);
    assert.throws(() => F.eq("n", 1).or({ n: value }), isAt(`filter.$or[1].n${end}`), name);
  }
  assert.equal(await docs.count(), 3);
});

test("what is no filter at all is refused", async (t) => {
  const { docs } = await collection(t);
  for (const filter of [[], new Map([["n", 1]]), Promise.resolve({ n: 1 }), new Account(), () => ({}), 7, "n = 1", true]) {
    await assert.rejects(docs.removeWhere(filter), isAt("filter"));
    await assert.rejects(docs.search([0, 0], { filter }), isAt("filter"));
    assert.throws(() => F.and({ n: 1 }, filter), isAt("filter.$and[1]"));
    assert.throws(() => F.not(filter), isAt("filter.$not"));
  }
  for (const list of [undefined, null, "u1", 7, () => [], { 0: "u1", length: 1 }]) {
    assert.throws(() => F.in("user", list), isAt("filter.user.$in"));
    assert.throws(() => F.notIn("user", list), isAt("filter.user.$nin"));
  }
  for (const make of [F.eq, F.ne, F.lt, F.lte, F.gt, F.gte, F.exists]) assert.throws(() => make(undefined, 1), isAt("path"));
  assert.throws(() => F.in(undefined, [1]), isAt("path"));
  await assert.rejects(docs.removeWhere(around), isAt("filter.self.around"));
  assert.throws(() => F.and(around), isAt("filter.$and[0].self.around"));
  await assert.rejects(docs.removeWhere(deep), isAt("filter"));
  assert.equal(await docs.count(), 3);
});

test("a filter does not become one that matches everything on its way", async (t) => {
  const { docs } = await collection(t);
  const filter = F.eq("n", 1);
  for (const spread of [{ ...filter }, { ...filter, tags: "x" }, Object.assign({}, filter)]) await assert.rejects(docs.removeWhere(spread), isAt("filter.toJSON"));
  assert.throws(() => structuredClone(filter), { name: "DataCloneError" });
  assert.equal(await docs.count(JSON.parse(JSON.stringify(filter))), 1);
  assert.throws(() => (filter.toJSON = undefined), TypeError);
  for (const entries of [new Map([["a", 1]]), [["a"]], [{}]]) await assert.rejects(async () => docs.removeWhere(F.in("n", entries)), ndb.InvalidArgument);
  assert.equal(await docs.count(), 3);
});

test("plain objects of every origin are filters, and an object may be in one twice", async (t) => {
  const { docs } = await collection(t);
  const one = { n: 1 };
  const bare = Object.assign(Object.create(null), one);
  for (const filter of [one, bare, vm.runInNewContext("({ n: 1 })"), JSON.parse('{"n":{"$in":[1]}}'), { $and: [one, one] }, F.in("n", new Set([1])), F.and(bare, F.eq("n", 1))])
    assert.equal(await docs.count(filter), 1);
  assert.equal(await docs.count(JSON.parse('{"__proto__":1}')), 0);
});

test("a filter stays what it was made as", async (t) => {
  const { docs } = await collection(t);
  const given = { n: { $in: [0] } };
  const values = [0];
  for (const filter of [F.and(given), F.or(given), F.not(F.not(given)), F.in("n", values), F.eq("n", 0).and(given)]) {
    const before = String(filter);
    given.n.$in[0] = values[0] = 1;
    const told = filter.toJSON();
    for (const key of Object.keys(told)) delete told[key];
    assert.equal(String(filter), before);
    assert.equal(JSON.stringify(filter), before);
    assert.equal(JSON.stringify(filter.and()), `{"$and":[${before}]}`);
    assert.deepEqual((await docs.search([0, 0], { filter })).ids, ["a"]);
    given.n.$in[0] = values[0] = 0;
  }
});

test("a payload with a value that JSON would lose is refused with its place", async (t) => {
  const { docs } = await collection(t);
  const { undefined: absent, date, boxed, json, ...refused } = refusedValues;
  const saysNothing = { toJSON: () => undefined };
  for (const [name, value] of Object.entries({ ...refused, saysNothing, shared: new SharedArrayBuffer(1), weak: new WeakMap() })) {
    for (const [field, payload] of [["user", { user: value }], ["a.list[1]", { a: { list: [1, value] } }]]) {
      await assert.rejects(docs.insert("x", [1, 2], payload), isAt(`payload.${field}`), name);
      assert.throws(() => docs.insertSync({ id: "x", vector: [1, 2], payload }), isAt(`payload.${field}`), name);
      await assert.rejects(docs.insertBatch([{ id: "x", vector: [1, 2], payload }]), isAt(`documents[0].payload.${field}`), name);
      await assert.rejects(docs.insertBatch(["x"], [[1, 2]], [payload]), isAt(`documents[0].payload.${field}`), name);
    }
  }
  for (const payload of [new Map([["a", 1]]), Promise.resolve({}), new Error("x"), new Float32Array(2), saysNothing, new Account(), () => ({})])
    await assert.rejects(docs.insert("x", [1, 2], payload), isAt("payload"));
  await assert.rejects(docs.insert("x", [1, 2], { list: [undefined] }), isAt("payload.list[0]"));
  await assert.rejects(docs.insert("x", [1, 2], around), isAt("payload.self.around"));
  await assert.rejects(docs.insert("x", [1, 2], deep), isAt("payload"));
  assert.equal(await docs.count(), 3);
});

test("a payload is read as JSON says it", async (t) => {
  const { docs } = await collection(t);
  class Point {
    constructor() {
      this.x = 1;
    }
  }
  const named = { toJSON: (key) => ({ key }) };
  const itself = { kept: 1, toJSON: () => itself };
  const payload = { at: new Date(0), absent: undefined, point: new Point(), boxed: new String("text"), named, list: [named], none: null, __proto__: null,
                    ["__proto__"]: 1, itself, deep: { list: [[], {}, [-0.5, 1e300]], text: "\u2028" } };
  await docs.insert("x", [1, 2], payload);
  assert.deepEqual((await docs.get("x")).payload, JSON.parse(JSON.stringify({ ...payload, itself: { kept: 1 } })));
});
