// The rows of `bench engine` as JSON lines, and how they get to the server: through its own API, as any program's would.

/** What is shown of them: a float range, by the float from the greatest down. What passes is six tenths of the rows. */
export const SORTED = 'filter(row => row["val"] >= 400).filter(row => row["val"] < 2000).sort(row => row["val"], "desc")';
/** Every value is below; a row with more stands above all others. */
export const ABOVE_ALL = 1_000;

const CATEGORIES = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"];
/** So many rows a request, where a table is filled as fast as it goes. */
const FILL_ROWS = 50_000;

/** Row `n` as a line; `val` is spread evenly below `ABOVE_ALL` unless it is given. */
export function line(n, val = (scattered(n) / 2 ** 32) * ABOVE_ALL) {
  const tag = scattered(n ^ 0x5bd1e995).toString(16).padStart(8, "0");
  return `{"id":${n},"ts":{"$ts":${1_700_000_000_000_000 + n * 100}},"val":${val},"cat":"${CATEGORIES[n % 8]}","tag":"${tag}","ok":${n % 3 === 0}}\n`;
}

/** `nRows` lines from row `first` on. */
export function lines(first, nRows) {
  let text = "";
  for (let n = first; n < first + nRows; n += 1) text += line(n);
  return text;
}

/** Appends lines; settles once they are acknowledged. */
export async function append(serverUrl, table, body) {
  const headers = { "content-type": "application/x-ndjson" };
  const response = await fetch(`${serverUrl}/api/v1/tables/${table}/rows`, { method: "POST", headers, body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
}

/** Appends the rows from `first` to before `end` as fast as the server takes them; `onRows` is told how many are there. */
export async function fill(serverUrl, table, first, end, onRows = async () => {}) {
  let sent = Promise.resolve();
  for (let from = first; from < end; from += FILL_ROWS) {
    // The next body is made while the server takes this one; rows stay in order.
    const body = lines(from, Math.min(FILL_ROWS, end - from));
    await sent;
    await onRows(from);
    sent = append(serverUrl, table, body);
  }
  await sent;
  await onRows(end);
}

/** A number below 2^32 that looks like chance and belongs to `n` alone (the finalizer of MurmurHash3, a bijection). */
function scattered(n) {
  let x = n | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
