// Writes a row's cells into a buffer in the memory of the wasm: a tag, then lengths and bytes. As much as a hand-written
// walker needs for texts, numbers and booleans.

const TEXT = 1;
const NUMBER = 2;
const FALSE = 3;
const TRUE = 4;
const CAPACITY = 1 << 16;

export class Walker {
  #store;
  #memory;
  #bytes;
  #view;
  #at = 0;
  #encoder = new TextEncoder();

  constructor(store, memory) {
    this.#store = store;
    this.#memory = memory;
  }

  push(row) {
    this.#look();
    this.#at = 0;
    for (const key of Object.keys(row)) {
      this.#text(key);
      const value = row[key];
      if (typeof value === "string") {
        this.#bytes[this.#at++] = TEXT;
        this.#text(value);
      } else if (typeof value === "number") {
        this.#bytes[this.#at++] = NUMBER;
        this.#view.setFloat64(this.#at, value, true);
        this.#at += 8;
      } else {
        this.#bytes[this.#at++] = value ? TRUE : FALSE;
      }
    }
    this.#store.push_buffer(this.#at);
  }

  /** The views on the buffer are gone whenever the memory has grown. */
  #look() {
    if (this.#bytes?.buffer === this.#memory.buffer) return;
    const at = this.#store.buffer(CAPACITY);
    this.#bytes = new Uint8Array(this.#memory.buffer, at, CAPACITY);
    this.#view = new DataView(this.#memory.buffer, at, CAPACITY);
  }

  /** Its length and its bytes; a loop beats the encoder for short ASCII. */
  #text(text) {
    const bytes = this.#bytes;
    const start = this.#at + 4;
    let idx = 0;
    for (; idx < text.length; idx++) {
      const unit = text.charCodeAt(idx);
      if (unit >= 0x80) break;
      bytes[start + idx] = unit;
    }
    let length = idx;
    if (idx < text.length) length += this.#encoder.encodeInto(text.slice(idx), bytes.subarray(start + idx)).written;
    this.#view.setUint32(this.#at, length, true);
    this.#at = start + length;
  }
}
