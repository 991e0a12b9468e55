// Rows that wait in the page for the WebAssembly, in the order of the calls.

interface Slot {
  /** The row's line; undefined while its media is read, null when that failed. */
  line: string | null | undefined;
}

/** What the rows that wait may be at most. */
export interface Bounds {
  readonly maxRows: number;
  readonly maxUnits: number;
}

/** A queue in which a row whose media is still being read holds up those that were logged after it. */
export class Lines {
  #ready = "";
  #nReady = 0;
  #held: Slot[] = [];
  #nHeldUnits = 0;
  #settled: Promise<unknown> = Promise.resolve();

  constructor(
    readonly bounds: Bounds,
    readonly onReady: () => void,
  ) {}

  /** How many rows wait. */
  get nRows(): number {
    return this.#nReady + this.#held.length;
  }

  /** Their size in UTF-16 units, as far as it is known. */
  get nUnits(): number {
    return this.#ready.length + this.#nHeldUnits;
  }

  /** Takes a row in; false when there is no room for it. */
  push(line: string): boolean {
    if (this.nRows >= this.bounds.maxRows || this.nUnits + line.length + 1 > this.bounds.maxUnits) return false;
    if (this.#held.length > 0) {
      this.#held.push({ line });
      this.#nHeldUnits += line.length;
    } else {
      this.#add(line);
    }
    return true;
  }

  /** Takes in a row whose line comes later or, `onFailure` having been told, not at all; false when there is no room. */
  hold(line: Promise<string>, onFailure: (error: unknown) => void): boolean {
    if (this.nRows >= this.bounds.maxRows || this.nUnits >= this.bounds.maxUnits) {
      line.catch(() => undefined);
      return false;
    }
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
    return true;
  }

  /** Settles when the media of every row taken in so far was read. */
  get settled(): Promise<unknown> {
    return this.#settled;
  }

  /** Whether `take` would give anything. */
  get isReady(): boolean {
    return this.#nReady > 0;
  }

  /** The rows that may go, each with its line end. */
  take(): string {
    const lines = this.#ready;
    this.#ready = "";
    this.#nReady = 0;
    return lines;
  }

  #add(line: string): void {
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
