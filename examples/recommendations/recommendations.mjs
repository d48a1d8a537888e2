// What else somebody might buy: the mean of what they liked, among what has the right category and price, without what they have.
//   node recommendations.mjs FOLDER
import { open, F } from "ndb";

const DIM = 32;
const CATEGORIES = ["books", "games", "garden", "kitchen"];

// A catalogue: each product near the middle of one of a few styles, which a real shop would learn from its orders.
let state = 1;
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
const gaussian = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
const styles = Array.from({ length: 8 }, () => Float32Array.from({ length: DIM }, gaussian));
const products = Array.from({ length: 2000 }, (_, i) => ({
  id: `product-${i}`,
  vector: styles[i % 8].map((x) => x + 0.4 * gaussian()),
  payload: { style: i % 8, category: CATEGORIES[Math.floor(random() * 4)], price: Math.round(random() * 10000) / 100, stock: i % 10 },
}));

const db = await open(process.argv[2] ?? "./data");
const shop = await db.createCollection("products", { dim: DIM });
await shop.insertBatch(products);

async function recommend(liked, { category, maxPrice, topK = 5 }) {
  const { documents } = await shop.getMany(liked);
  const taste = new Float32Array(DIM);
  for (const { vector } of documents) vector.forEach((x, i) => (taste[i] += x / documents.length));
  const filter = F.and(F.eq("category", category), F.lte("price", maxPrice), F.gt("stock", 0));
  const found = await shop.search(taste, { topK: topK + liked.length, filter });
  return found.filter((match) => !liked.includes(match.id)).slice(0, topK);
}

const liked = ["product-3", "product-11", "product-19"]; // of style 3
console.log("liked:", liked.join(", "));
const answer = await recommend(liked, { category: "games", maxPrice: 50 });
for (const { id, score, payload } of answer) console.log(`  ${id}  ${score.toFixed(2)}  ${payload.category}, ${payload.price.toFixed(2)}, style ${payload.style}`);
if (answer.length !== 5 || !answer.every(({ payload: p }) => p.style === 3 && p.category === "games" && p.price <= 50 && p.stock > 0)) throw new Error("wrong");

// Sold out: gone from the very next answer.
const [best] = answer;
const { vector, payload } = await shop.get(best.id);
await shop.insert(best.id, vector, { ...payload, stock: 0 });
const next = await recommend(liked, { category: "games", maxPrice: 50 });
if (next.some(({ id }) => id === best.id)) throw new Error("still there");
console.log(`after ${best.id} is sold out: ${next.map(({ id }) => id).join(", ")}`);
await db.close();
