// The lines of rows: gathered in the order of the calls until the task ends, and cut out again.

/** Rows that are kept together: lines, each with its line end. */
export interface Piece {
  readonly lines: string;
  readonly nRows: number;
}

/**
 * No piece grows beyond this by a row that could have gone into the next, in UTF-16 units: what takes more than 64 KiB is put
 * into a file of its own by Chromium, which takes longer than a browser that is killed may have left.
 */
const MAX_PIECE_UNITS = 30_000;

interface Slot {
  /** The row's line; undefined while its media is read, null when that failed. */
  line: string | null | undefined;
}

/** A queue in which a row whose media is still being read holds up those that were logged after it. */
export class Lines {
  #pieces: Piece[] = [];
  #nPieceUnits = 0;
  #ready = "";
  #nReady = 0;
  #nPieceRows = 0;
  #held: Slot[] = [];
  #nHeldUnits = 0;
  #settled: Promise<unknown> = Promise.resolve();

  constructor(readonly onReady: () => void) {}

  /** How many rows wait. */
  get nRows(): number {
    return this.nReady + this.#held.length;
  }

  /** Their size in UTF-16 units, as far as it is known. */
  get nUnits(): number {
    return this.nReadyUnits + this.#nHeldUnits;
  }

  /** Takes a row in. */
  push(line: string): void {
    if (this.#held.length === 0) return this.#add(line);
    this.#held.push({ line });
    this.#nHeldUnits += line.length;
  }

  /** Takes in a row whose line comes later or, `onFailure` having been told, not at all. */
  hold(line: Promise<string>, onFailure: (error: unknown) => void): void {
    const slot: Slot = { line: undefined };
    this.#held.push(slot);
    const done = line.then(
      (line) => {
        slot.line = line;
        this.#nHeldUnits += line.length;
      },
      (error: unknown) => {
        slot.line = null;
        onFailure(error);
      },
    );
    this.#settled = Promise.all([this.#settled, done.then(() => this.#advance())]);
  }

  /** Settles when the media of every row taken in so far was read. */
  get settled(): Promise<unknown> {
    return this.#settled;
  }

  /** How many rows `take` would give. */
  get nReady(): number {
    return this.#nPieceRows + this.#nReady;
  }

  /** Their size in UTF-16 units. */
  get nReadyUnits(): number {
    return this.#nPieceUnits + this.#ready.length;
  }

  /** The rows that may go. */
  take(): readonly Piece[] {
    this.#cut();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#nPieceRows = 0;
    this.#nPieceUnits = 0;
    return pieces;
  }

  #cut(): void {
    if (this.#nReady === 0) return;
    this.#pieces.push({ lines: this.#ready, nRows: this.#nReady });
    this.#nPieceRows += this.#nReady;
    this.#nPieceUnits += this.#ready.length;
    this.#ready = "";
    this.#nReady = 0;
  }

  #add(line: string): void {
    if (this.#ready.length + line.length > MAX_PIECE_UNITS) this.#cut();
    this.#ready += `${line}\n`;
    this.#nReady += 1;
  }

  #advance(): void {
    const nDone = this.#held.findIndex((slot) => slot.line === undefined);
    for (const { line } of this.#held.splice(0, nDone < 0 ? this.#held.length : nDone)) {
      if (typeof line === "string") {
        this.#nHeldUnits -= line.length;
        this.#add(line);
      }
    }
    this.onReady();
  }
}

/** The rows `from` up to `to` of `nRows` lines, each with its line end. */
export function cutRows(lines: string, from: number, to: number, nRows: number): string {
  let start = 0;
  let idx = 0;
  for (; idx < from; idx++) start = lines.indexOf("\n", start) + 1;
  if (to >= nRows) return lines.slice(start);
  let end = start;
  for (; idx < to; idx++) end = lines.indexOf("\n", end) + 1;
  return lines.slice(start, end);
}
