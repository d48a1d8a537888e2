// What the tests share: the package of this build (NDB_NODE_PACKAGE), and a database in a fresh folder that is gone after the test.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

export const packageFolder = process.env.NDB_NODE_PACKAGE;
export const sourceFolder = process.env.NDB_SOURCE_DIR;
export const ndb = (await import(pathToFileURL(path.join(packageFolder, "lib/index.mjs")))).default;

export function temporaryFolder(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ndb-node-"));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function database(t, options) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ndb-node-"));
  const db = await ndb.open(path.join(folder, "data"), options);
  t.after(async () => {
    await db.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  return db;
}

/** a, b, c at 0, 1 and 2 on the first axis. */
export async function collection(t) {
  const db = await database(t);
  const docs = await db.createCollection("docs", { dim: 2, distance: "euclidean" });
  await docs.insertBatch(["a", "b", "c"], new Float32Array([0, 0, 1, 0, 2, 0]), [{ n: 0, tags: ["x"] }, { n: 1, tags: ["x", "y"] }, null]);
  return { db, docs };
}
