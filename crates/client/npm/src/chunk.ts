// Rows that wait for their server, as IndexedDB has them: a text under a text. Whoever logs waits while what is stored is
// copied, and objects and lists take longer to copy than texts.

/** Where rows go. */
export interface Target {
  readonly table: string;
  /** Null where the table lives in this browser. */
  readonly server: string | null;
  readonly key: string | undefined;
}

/** What another page needs to send a chunk. */
export interface StoredChunk extends Target {
  /** A JSON object a line, each with its line end. */
  readonly lines: string;
  /** When it was stored, in milliseconds since 1970. */
  readonly at: number;
}

/** What tells a chunk from all others. */
export interface ChunkKey {
  readonly writer: string;
  readonly firstSeq: number;
  readonly nRows: number;
  /** The size of its lines in UTF-16 units, which is close to bytes. */
  readonly nBytes: number;
}

/** So many digits has the largest seq, so that keys sort as their seqs do. */
const SEQ_DIGITS = 16;

/** A chunk's key: writer, first seq, number of rows and size. */
export function formatKey({ writer, firstSeq, nRows, nBytes }: ChunkKey): string {
  return `${seqKey(writer, firstSeq)}/${nRows}/${nBytes}`;
}

export function parseKey(key: string): ChunkKey {
  const [writer, ...numbers] = key.split("/");
  const [firstSeq, nRows, nBytes] = numbers.map(Number);
  return { writer: writer!, firstSeq: firstSeq!, nRows: nRows!, nBytes: nBytes! };
}

/** The keys of a writer's chunks that start at `fromSeq` or later, and before `endSeq`. */
export function keyRange(writer: string, fromSeq = 0, endSeq = Number.MAX_SAFE_INTEGER): IDBKeyRange {
  return IDBKeyRange.bound(seqKey(writer, fromSeq), seqKey(writer, endSeq), false, true);
}

function seqKey(writer: string, seq: number): string {
  return `${writer}/${String(seq).padStart(SEQ_DIGITS, "0")}`;
}

/** What the chunks of a target have in common. */
export function formatTarget({ table, server, key }: Target): string {
  return JSON.stringify({ table, server, key });
}

/** A chunk's text: when it was stored and its target in the first line, and its rows. */
export function formatChunk(at: number, target: string, lines: string): string {
  return `${at} ${target}\n${lines}`;
}

/** A chunk's text, of the object that older versions stored. */
export function formatOldChunk({ at, lines, ...target }: StoredChunk): string {
  return formatChunk(at, formatTarget(target), lines);
}

export function parseChunk(text: string): StoredChunk {
  const space = text.indexOf(" ");
  const end = text.indexOf("\n");
  const target = JSON.parse(text.slice(space + 1, end)) as Target;
  return { ...target, at: Number(text.slice(0, space)), lines: text.slice(end + 1) };
}
