// What people write who need rows from pages kept: JSON lines over HTTP into SQLite, synced before the answer.
//
//   node endpoint.mjs FILE single|grouped
//
// `single` commits each request by itself; `grouped` commits together what came while the last commit ran.

import { createServer } from "node:http";

import Database from "better-sqlite3";

const [file, mode] = process.argv.slice(2);
const db = new Database(file);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec("CREATE TABLE rows (id INTEGER, ts INTEGER, val REAL, cat TEXT, tag TEXT, ok INTEGER) STRICT");
const insert = db.prepare("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)");
const store = db.transaction((bodies) => {
  for (const rows of bodies) {
    for (const { id, ts, val, cat, tag, ok } of rows) insert.run(id, ts.$ts, val, cat, tag, ok ? 1 : 0);
  }
});

/** Requests whose rows are read and not yet stored. */
let waiting = [];

function commit() {
  const group = waiting;
  waiting = [];
  store(group.map(({ rows }) => rows));
  for (const { response } of group) answer(response, 200, "{}");
}

function answer(response, status, text) {
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

const server = createServer((request, response) => {
  if (request.method === "GET") {
    answer(response, 200, String(db.prepare("SELECT count(*) AS n FROM rows").get().n));
    return;
  }
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    let rows;
    try {
      rows = Buffer.concat(pieces).toString().trimEnd().split("\n").map((line) => JSON.parse(line));
    } catch (error) {
      answer(response, 400, JSON.stringify(String(error)));
      return;
    }
    waiting.push({ rows, response });
    if (mode === "single") commit();
    // All that the event loop finds readable in this turn comes before.
    else if (waiting.length === 1) setImmediate(commit);
  });
});
server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
