// The page at / of both daemons: looks at the HTTP interface once a second, changes nothing. No library, no build step; the browser
// sends the key that it was asked for by itself.

const byId = (id) => document.getElementById(id);
const kInterval = 1000;
const kChartPoints = 120;

let chosen = decodeURIComponent(location.hash.slice(1));
let before = null; // the metrics of the last look
const searchesPerSecond = [];

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path, options);
  const text = await answer.text();
  let value = text;
  if ((answer.headers.get("Content-Type") || "").startsWith("application/json")) value = JSON.parse(text);
  if (!answer.ok && !(path === "/readyz")) {
    const error = value.error || { message: `${answer.status}` };
    throw new Error((error.field ? `${error.field}: ` : "") + error.message);
  }
  return value;
}

const pathOf = (name) => `/v1/collections/${encodeURIComponent(name)}`;
const number = (n) => Number(n).toLocaleString("en");
function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) (n /= 1024), unit++;
  return `${n < 10 && unit > 0 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}
const seconds = (s) => (s < 1e-3 ? `${Math.round(s * 1e6)} µs` : s < 1 ? `${(s * 1e3).toPrecision(3)} ms` : `${s.toPrecision(3)} s`);

// Text only: what comes from documents is never taken for markup.
function cell(content, className) {
  const td = document.createElement("td");
  if (content instanceof Node) td.append(content);
  else td.textContent = content;
  if (className) td.className = className;
  return td;
}
function fill(table, rows) {
  byId(table).tBodies[0].replaceChildren(
    ...rows.map((cells) => {
      const tr = document.createElement("tr");
      tr.append(...cells.map((c) => (c instanceof HTMLTableCellElement ? c : cell(c))));
      return tr;
    }),
  );
}
function link(text, action) {
  const a = document.createElement("a");
  a.className = "name";
  a.href = "#" + encodeURIComponent(chosen);
  a.textContent = text;
  a.addEventListener("click", (event) => (event.preventDefault(), action()));
  return a;
}

// Prometheus text: what is asked for, summed over all labels but le.
function parseMetrics(text) {
  const sums = new Map();
  const buckets = [];
  for (const line of text.split("\n")) {
    const found = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!found) continue;
    sums.set(found[1], (sums.get(found[1]) || 0) + Number(found[3]));
    if (found[1] === "ndb_search_duration_seconds_bucket") buckets.push([Number(/le="([^"]+)"/.exec(found[2])[1].replace("+Inf", "Infinity")), Number(found[3])]);
  }
  return { at: performance.now(), sums, buckets };
}
// By the buckets that were added since, interpolated.
function quantile(q, now, then) {
  const added = now.buckets.map(([le, n], i) => [le, n - (then.buckets[i] ? then.buckets[i][1] : 0)]);
  const total = added.length ? added[added.length - 1][1] : 0;
  if (!total) return null;
  let low = 0;
  let below = 0;
  for (const [le, n] of added) {
    if (n >= q * total) return le === Infinity ? low : low + ((le - low) * (q * total - below)) / (n - below);
    (low = le), (below = n);
  }
  return low;
}

function showLive(now) {
  const then = before;
  before = now;
  if (!then) return;
  const span = (now.at - then.at) / 1000;
  const rate = (name) => ((now.sums.get(name) || 0) - (then.sums.get(name) || 0)) / span;
  const searches = Math.max(0, rate("ndb_search_duration_seconds_count"));
  searchesPerSecond.push(searches);
  if (searchesPerSecond.length > kChartPoints) searchesPerSecond.shift();
  const latency = (q) => {
    const value = quantile(q, now, then);
    return value === null ? "–" : seconds(value);
  };
  const shown = {
    "searches/s": number(Math.round(searches)),
    "p50": latency(0.5),
    "p99": latency(0.99),
    "writes/s": number(Math.round(rate("ndb_inserts_total") + rate("ndb_deletes_total"))),
    "errors/s": number(Math.round(rate("ndb_errors_total"))),
    "refused/s": number(Math.round(rate("ndb_http_overloaded_total"))),
    "connections": number(now.sums.get("ndb_http_connections") || 0),
    "mapped": bytes(now.sums.get("ndb_mmapped_bytes") || 0),
  };
  byId("live").replaceChildren(
    ...Object.entries(shown).map(([name, value]) => {
      const div = document.createElement("div");
      const dt = document.createElement("dt");
      const dd = document.createElement("dd");
      (dt.textContent = name), (dd.textContent = value);
      div.append(dt, dd);
      return div;
    }),
  );
  const top = Math.max(1, ...searchesPerSecond);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", searchesPerSecond.map((v, i) => `${(600 * i) / (kChartPoints - 1)},${78 - (76 * v) / top}`).join(" "));
  byId("chart").replaceChildren(line);
}

function graphOf(index) {
  if (index.building) {
    const bar = document.createElement("progress");
    bar.value = index.progress;
    bar.title = `${Math.round(index.progress * 100)} %`;
    return bar;
  }
  if (!index.enabled) return "off";
  return index.unindexed_rows ? `${number(index.unindexed_rows)} rows scanned` : `${number(index.indexed_rows)} rows`;
}

function showCollections(all) {
  byId("none").hidden = all.length > 0;
  fill("collections", all.map((c) => [cell(link(c.name, () => choose(c.name))), c.dim, c.distance, number(c.documents), c.segments.length,
    `${number(c.memtable.documents)} documents, ${bytes(c.bytes.memtable)}`, bytes(c.bytes.wal), bytes(c.bytes.segments), c.manifest_version,
    cell(graphOf(c.index))]));
  [...byId("collections").tBodies[0].rows].forEach((row, i) => row.classList.toggle("chosen", all[i].name === chosen));
}

async function showChosen(all) {
  const one = all.find((c) => c.name === chosen);
  byId("one").hidden = !one;
  if (!one) return;
  byId("one-title").textContent = one.name;
  fill("segments", one.segments.map((s) => [s.id, number(s.rows), number(s.deleted), bytes(s.bytes), s.indexed ? "yes" : "no"]));
  const { replicas } = await ask(`${pathOf(one.name)}/replicas`).catch(() => ({ replicas: [] }));
  fill("replicas", replicas.map((r) => [r.host, r.pid, r.pinned_version, number(r.lag_seq), `${r.age_seconds.toFixed(1)} s ago`]));
}

function choose(name) {
  chosen = name;
  history.replaceState(null, "", "#" + encodeURIComponent(name));
  byId("matches").hidden = true;
  byId("plan").textContent = byId("problem").textContent = "";
  look();
}

async function vectorOf(text) {
  if (text.startsWith("[") || /^[-+0-9.eE,\s]+,[-+0-9.eE,\s]+$/.test(text)) {
    return { vector: JSON.parse(text.startsWith("[") ? text : `[${text}]`), itself: null };
  }
  const document = await ask(`${pathOf(chosen)}/documents/${encodeURIComponent(text)}`);
  return { vector: document.vector, itself: document.id };
}

async function search(event) {
  if (event) event.preventDefault();
  byId("problem").textContent = "";
  try {
    const { vector, itself } = await vectorOf(byId("query").value.trim());
    const k = Number(byId("top-k").value);
    const wanted = { vector, top_k: k + (itself === null ? 0 : 1), explain: true, approximate: !byId("exact").checked };
    const filter = byId("filter").value.trim();
    if (filter) wanted.filter = JSON.parse(filter);
    const found = await ask(`${pathOf(chosen)}/search`, wanted);
    const matches = found.matches.filter((m) => m.id !== itself).slice(0, k);
    fill("matches", matches.map((m) => [m.id, m.score.toPrecision(6), cell(m.payload === null ? "" : JSON.stringify(m.payload), "payload"),
      cell(link("more like this", () => ((byId("query").value = m.id), search())))]));
    byId("matches").hidden = false;
    const plan = found.plan;
    byId("plan").textContent = `${matches.length} matches in ${found.took_us} µs: ${plan.plan}, ${number(plan.distances)} distances, ` +
      `${number(plan.estimated_distances)} estimated, ${number(plan.hops)} hops, ${bytes(plan.bytes_touched)} touched` +
      (filter ? `, ${number(plan.rows_matched)} rows match the filter` : "") + `; seq ${found.seq}, version ${found.manifest_version}`;
  } catch (error) {
    byId("problem").textContent = error.message;
  }
}

let looking = false;
async function look() {
  if (looking) return;
  looking = true;
  try {
    const [ready, metrics, list] = await Promise.all([ask("/readyz"), ask("/metrics"), ask("/v1/collections")]);
    byId("health").textContent = ready.status === "ready" ? "ready" : `not ready: ${ready.reasons.join("; ")}`;
    byId("health").className = ready.status === "ready" ? "good" : "bad";
    showLive(parseMetrics(metrics));
    const all = await Promise.all(list.collections.map((c) => ask(pathOf(c.name)).catch(() => null)));
    const there = all.filter((c) => c !== null);
    showCollections(there);
    await showChosen(there);
  } catch (error) {
    byId("health").textContent = `no answer: ${error.message}`;
    byId("health").className = "bad";
  } finally {
    looking = false;
  }
}

byId("search").addEventListener("submit", search);
ask("/version").then((v) => (byId("role").textContent = `${v.role} ${v.version}`)).catch(() => {});
look();
setInterval(() => document.hidden || look(), kInterval);
