// The types in a strict TypeScript project that has nothing else: no types of Node, no lib but the language's. Where there is a tsc: NDB_TSC, or
// one on the PATH.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";

import { packageFolder, temporaryFolder } from "./support.mjs";

const tsc = process.env.NDB_TSC ?? "tsc";
const missing = spawnSync(tsc, ["--version"]).status !== 0 && "there is no TypeScript compiler";

// What is after "refused" must be errors, as @ts-expect-error says.
const program = `import ndb, { open, F, Filter, InvalidArgument, type FilterLike, type SearchResult } from "ndb";

export async function use(user: string, maybe: string | undefined, file: { href: string; protocol: "file:"; pathname: string; searchParams: object }) {
  const db = await open(file, { readOnly: false });
  const docs = await db.createCollection("docs", { dim: 2, distance: "euclidean" });
  await docs.insert({ id: "a", vector: [1, 2], payload: { at: 1, list: [{ deep: true }] } });
  await docs.insertBatch(new Set(["a"]), new Float64Array(2), [null]);
  const filters: FilterLike[] = [{}, { user }, { $and: [{ user: { $in: ["a", null, 1, true] } }, F.eq("user", user)] }, F.in("n", new Set([1])), F.not({ user })];
  const filter: Filter = F.and(...filters).or({ user });
  const result: SearchResult = await docs.search(new Float32Array(2), { filter, topK: 1 });
  for (const { id, score } of result) if (score > 1 && id !== user) await docs.removeWhere({ user });
  await ndb.Database.open("data").catch((error: unknown) => error instanceof InvalidArgument && error.field);
  db[Symbol.dispose]();
  await db[Symbol.asyncDispose]();
  // refused
REFUSED
}
`;
const refused = [
  "docs.removeWhere({ user: maybe })", "docs.removeWhere({ user: { $in: [maybe] } })", "docs.removeWhere({ user: Promise.resolve(user) })",
  "docs.removeWhere({ user: new Map([[user, 1]]) })", "docs.removeWhere({ user: () => user })", "docs.removeWhere({ user: 1n })", "docs.removeWhere(undefined)",
  "docs.removeWhere({ at: new Date() })", 'F.eq("user", maybe)', 'F.in("user", user)', 'F.in("user", undefined)', 'F.and({ user: maybe })',
  'docs.insert({ id: "a", vector: [1, 2], metadata: {} })', 'docs.insert("a", new Uint8Array(2))', 'docs.removeMany("a")', "open(7)", "new Filter()",
];

test("the types compile in a strict project of nothing but the language", { skip: missing }, (t) => {
  const folder = temporaryFolder(t);
  fs.mkdirSync(path.join(folder, "node_modules"));
  fs.cpSync(packageFolder, path.join(folder, "node_modules/ndb"), { recursive: true });
  const lines = refused.map((line) => `  // @ts-expect-error\n  ${line};`).join("\n");
  fs.writeFileSync(path.join(folder, "program.ts"), program.replace("REFUSED", lines));
  fs.writeFileSync(path.join(folder, "package.json"), '{"type": "module"}');
  const compilerOptions = { strict: true, module: "nodenext", target: "es2022", lib: ["es2022"], types: [], noEmit: true, skipLibCheck: false };
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
  const told = spawnSync(tsc, ["-p", folder], { encoding: "utf8" });
  assert.equal(told.stdout, "");
  assert.equal(told.status, 0);
});
