// Documents, filters and what is refused.
import assert from "node:assert/strict";
import test from "node:test";

import { collection, ndb } from "./support.mjs";

const { F } = ndb;
const ids = (list) => list.map((one) => one.id).join("");

test("what is inserted is read back", async (t) => {
  const { docs } = await collection(t);
  const payload = { text: "grüße", deep: { list: [1, 2.5, null, true] } };
  const written = await docs.insert({ id: "d", vector: [3, 4], payload });
  assert.deepEqual(written, { seq: 4, inserted: 1, replaced: 0, deleted: 0, durability: "buffered" });
  assert.deepEqual(await docs.get("d"), { id: "d", vector: new Float32Array([3, 4]), payload });
  assert.equal((await docs.insert("d", new Float64Array([1, 1]), '{"as":"text"}')).replaced, 1);
  assert.deepEqual((await docs.get("d")).payload, { as: "text" });
  assert.equal((await docs.get("c")).payload, null);
  await assert.rejects(docs.get("nobody"), (error) => error instanceof ndb.NotFound && error.code === "not_found" && error.field === "id");
  const found = await docs.getMany(["c", "nobody", "a"]);
  assert.equal(ids(found.documents), "ca");
  assert.deepEqual(found.missing, ["nobody"]);
});

test("vectors of every kind are taken, and come out as they went in", async (t) => {
  const { db, docs } = await collection(t);
  for (const vectors of [[[1, 2], [3, 4]], [new Float32Array([1, 2]), new Float64Array([3, 4])], new Float32Array([1, 2, 3, 4]), new Float64Array([1, 2, 3, 4])]) {
    await docs.insertBatch(["x", "y"], vectors);
    assert.deepEqual([...(await docs.get("y")).vector], [3, 4]);
  }
  await docs.insertBatch([{ id: "x", vector: [5, 6], payload: { n: 1 } }, { id: "z", vector: new Float32Array([7, 8]) }]);
  assert.deepEqual([...(await docs.get("x")).vector], [5, 6]);
  const shared = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
  docs.insertSync("s", shared);
  assert.deepEqual([...docs.getSync("s").vector], [1, 2]);
  const large = await db.createCollection("large", { dim: 3000 });
  const vector = Float32Array.from({ length: 3000 }, (_, i) => Math.sin(i + 1));
  await large.insert("a", vector);
  assert.deepEqual((await large.get("a")).vector, vector);
  assert.deepEqual(large.searchSync(vector, { withVector: true })[0].vector, vector);
});

const refusedDocuments = [
  ["vector[1]", "x", [1, NaN]], ["vector[0]", "x", [1e39, 1]], ["vector", "x", [1, 2, 3]], ["vector[0]", "x", ["1", 2]], ["vector", "x", "text"],
  ["vector", "x", null], ["id", "", [1, 2]], ["id", 7, [1, 2]], ["id", "\ud800", [1, 2]], ["payload", "x", [1, 2], [1]], ["payload", "x", [1, 2], "[1]"],
  ["payload", "x", [1, 2], ""], ["payload.a", "x", [1, 2], { a: NaN }], ["payload.a", "x", [1, 2], { a: 1n }], ["vector", "x", new BigInt64Array(2)],
  ["vector", "x", new Uint8Array(2)], ["vector", "x", Buffer.alloc(8)], ["vector", { id: "x", vector: [1, 2] }, undefined, { n: 1 }],
  ["metadata", { id: "x", vector: [1, 2], metadata: { n: 1 } }], ["vectors", { id: "x", vectors: [1, 2] }],
];

test("a document that is refused changes nothing, and the error names its field", async (t) => {
  const { docs } = await collection(t);
  for (const [field, ...given] of refusedDocuments) {
    const isIt = (error) => error instanceof ndb.InvalidArgument && error.field === field && error.message.length > 0;
    await assert.rejects(docs.insert(...given), isIt, `${field} ${given}`);
    assert.throws(() => docs.insertSync(...given), isIt);
  }
  assert.equal((await docs.stats()).seq, 3);
  assert.equal(await docs.count(), 3);
});

test("a batch that is refused changes nothing", async (t) => {
  const { docs } = await collection(t);
  const cases = [
    ["documents[1].vector[0]", ["x", "y"], [[1, 2], [Infinity, 2]]], ["documents[0].vector", ["x"], [[1, 2, 3]]], ["ids[1]", ["x", 3], [[1, 2], [1, 2]]],
    ["vectors", ["x"], new Float32Array(4)], ["vectors", ["x"], 7], ["ids", "x", [[1, 2]]], ["payloads", ["x"], [[1, 2]], []],
    ["documents[0].payload", ["x"], [[1, 2]], [3]], ["documents[1].id", [{ id: "x", vector: [1, 2] }, { vector: [1, 2] }]],
    ["documents[0].vector", [{ id: "x", vector: [1] }]], ["documents[0]", [null]], ["documents", 7],
    ["documents[0].metadata", [{ id: "x", vector: [1, 2], metadata: {} }]], ["vectors", ["x"], new Float64Array(4)], ["vectors", ["x"], new Uint8Array(2)],
    ["documents[0].vector", ["x"], [Buffer.alloc(8)]], ["documents[1].payload.when[0]", ["x", "y"], [[1, 2], [1, 2]], [{}, { when: [undefined] }]],
  ];
  for (const [field, ...given] of cases)
    await assert.rejects(docs.insertBatch(...given), (error) => error instanceof ndb.InvalidArgument && error.field === field, field);
  assert.equal((await docs.stats()).seq, 3);
  assert.equal((await docs.insertBatch([], [])).seq, 3);
  assert.deepEqual(await docs.searchBatch([]), []);
});

test("documents are removed", async (t) => {
  const { docs } = await collection(t);
  assert.equal((await docs.remove("a")).deleted, 1);
  await assert.rejects(docs.remove("a"), ndb.NotFound);
  assert.equal((await docs.removeMany(["a", "b"])).deleted, 1);
  await assert.rejects(docs.removeWhere(), ndb.InvalidArgument);
  assert.equal((await docs.removeWhere({})).deleted, 1);
  assert.equal(docs.countSync(), 0);
});

test("filters", async (t) => {
  const { docs } = await collection(t);
  const cases = [
    ["b", F.eq("n", 1)], ["bc", F.ne("n", 0)], ["a", F.lt("n", 1)], ["ab", F.lte("n", 1)], ["b", F.gt("n", 0)], ["ab", F.gte("n", 0)],
    ["b", F.in("n", [1, 2])], ["ac", F.notIn("n", new Set([1, 2]))], ["c", F.exists("n", false)], ["b", F.and(F.eq("tags", "x"), { n: 1 })],
    ["ab", F.or(F.eq("n", 0), F.eq("n", 1))], ["bc", F.not(F.eq("n", 0))], ["abc", F.and()], ["abc", {}], ["b", { tags: "y" }], ["abc", null],
    ["b", F.eq("tags", "x").and(F.eq("n", 0).not())], ["bc", F.eq("n", 1).or({ n: { $exists: false } })], ["b", { $and: [F.eq("n", 1)] }],
  ];
  for (const [wanted, filter] of cases) {
    assert.equal(ids(await docs.search([0, 0], { filter })), wanted);
    assert.equal(await docs.count(filter), wanted.length);
    assert.equal(ids((await docs.scroll({ filter })).documents), wanted);
  }
  await assert.rejects(docs.count({ n: { $what: 1 } }), (error) => error.field === "filter.n.$what");
  await assert.rejects(docs.count("n = 1"), ndb.InvalidArgument);
  assert.throws(() => F.or("n"), ndb.InvalidArgument);
});

test("scrolling goes through all in pages", async (t) => {
  const { docs } = await collection(t);
  const first = await docs.scroll({ limit: 2 });
  assert.equal(ids(first.documents), "ab");
  assert.equal(first.next, "b");
  const last = docs.scrollSync({ limit: 2, after: first.next });
  assert.equal(ids(last.documents), "c");
  assert.equal(last.next, null);
  assert.throws(() => docs.scrollSync({ limit: 0 }), (error) => error.field === "limit");
});
