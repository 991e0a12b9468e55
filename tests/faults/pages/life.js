// What a page of the fault tests does. Its address says which table it logs to, as which life of that table, and what its
// very first task logs and does then. What a test asks of it later stands in `globalThis.life`.

import { StreamTable } from "/streamtable/index.js";

const address = new URLSearchParams(location.search);
const number = Number(address.get("life"));
const st = new StreamTable(address.get("table"), JSON.parse(address.get("options")));
const told = [];
st.on("error", ({ code }) => told.push(code));

let n = 0;
let text = "";

/** Random text, which does not compress; a row's is the same half twice, so that what is read tells whether it came whole. */
function randomText(length) {
  const half = Math.ceil(length / 2);
  while (text.length < 2 * half) {
    text += btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24_000))));
  }
  const from = Math.floor(Math.random() * (text.length - half));
  return text.slice(from, from + half).repeat(2);
}

/** The next rows of this life. */
function makeRows(nRows, rowBytes) {
  return Array.from({ length: nRows }, () => ({ life: number, n: n++, text: randomText(rowBytes) }));
}

/** Logs rows, a call each. */
function log(nRows, rowBytes) {
  for (const row of makeRows(nRows, rowBytes)) st.log(row);
}

/** Logs rows for a while, five each few milliseconds, and settles when all are logged. */
async function stream(nRows, rowBytes) {
  for (let nLogged = 0; nLogged < nRows; nLogged += 5) {
    log(5, rowBytes);
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
}

/** Settles when the table that has logged has its storage: whoever asks for a database is answered in their turn. */
async function opened() {
  const open = indexedDB.open("streamtable");
  await new Promise((resolve, reject) => ((open.onsuccess = resolve), (open.onerror = reject)));
  open.result.close();
}

/** Settles when no row is in memory alone. */
async function saved() {
  while (st.status.volatile > 0) await new Promise((resolve) => setTimeout(resolve));
}

/** How many things wait in the storage of this origin, whoever left them. */
async function nLeft() {
  const databases = await indexedDB.databases();
  if (!databases.some(({ name }) => name === "streamtable")) return localStorage.length;
  const open = indexedDB.open("streamtable");
  const db = await new Promise((resolve, reject) => ((open.onsuccess = () => resolve(open.result)), (open.onerror = reject)));
  const count = db.transaction("chunks").objectStore("chunks").count();
  const nChunks = await new Promise((resolve, reject) => ((count.onsuccess = () => resolve(count.result)), (count.onerror = reject)));
  db.close();
  return nChunks + localStorage.length;
}

globalThis.life = { number, st, told, makeRows, log, stream, opened, saved, nLeft };

const nRows = Number(address.get("rows"));
if (nRows > 0) {
  log(nRows, Number(address.get("rowBytes")));
  globalThis.firstTaskLogged?.(number);
  if (address.get("then") === "leave") location.href = "/";
  if (address.get("then") === "close") close();
}
