// Where the entry `streamtable/filter` leaves the expression language. It is a script of its own, as every entry is, and so
// shares with the others nothing but the global object: not even the class of an error.

/** Says which rows an expression lets pass. */
export interface Filter {
  /** The places within a chunk of the rows that pass. */
  places(lines: string, firstOffset: number, writer: string, firstSeq: number, receivedMicros: number): Uint32Array;
  /** Gives the memory back. */
  free(): void;
}

/** Why there is no filter. */
export interface FilterFault {
  readonly code: string;
  readonly message: string;
}

/** Reads an expression. */
export type FilterLanguage = (text: string) => Promise<Filter | FilterFault>;

const KEY = Symbol.for("streamtable.filter");
const shared = globalThis as { [KEY]?: FilterLanguage };

/** The language, where the page has it. */
export function filterLanguage(): FilterLanguage | undefined {
  return shared[KEY];
}

/** Gives the page the language. */
export function setFilterLanguage(language: FilterLanguage): void {
  shared[KEY] = language;
}
