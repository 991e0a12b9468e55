// The glue of the filter's WebAssembly, as far as it is used. The build puts it in place of `#filter`.

export class Filter {
  /** Throws a sentence where the text is no expression. */
  constructor(text: string);
  places(lines: string, firstOffset: number, writer: string, firstSeq: number, receivedMicros: number): Uint32Array;
  free(): void;
}

export default function init(code: BufferSource): Promise<void>;
