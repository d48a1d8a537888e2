// A reader for writer.py: tells each write as soon as it is seen here.   node reader.mjs FOLDER WRITES
import { open } from "ndb";

const db = await open(process.argv[2], { readOnly: true });
const docs = await db.getCollection("docs");
console.log("ready");
for (let seq = 1; seq <= Number(process.argv[3]); ++seq) {
  await docs.waitFor(seq, { timeoutMs: 60_000 });
  const count = docs.countSync();
  console.log(`${seq} ${count} ${process.hrtime.bigint()}`);
}
await db.close();
