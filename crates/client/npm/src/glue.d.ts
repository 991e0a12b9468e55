// The glue that wasm-bindgen writes, as far as it is used. The build puts it in place of `#glue`.

export class Delivery {
  constructor(maxBatchRows: number, maxBatchBytes: number, lingerMillis: number, maxRetryMillis: number);
  free(): void;
  push(firstSeq: number, nRows: number, nBytes: number): void;
  dropOldest(nRows: number): number;
  hurry(): void;
  hint(): void;
  finish(): void;
  next(nowMillis: number): number;
  readonly firstSeq: number;
  readonly nRows: number;
  acked(nowMillis: number, seq: number, nRefused: number, random: number): boolean;
  refused(nowMillis: number, status: number, isOurs: boolean, retryAfterMillis: number, random: number): boolean;
  readonly settledSeq: number;
  readonly keptSeq: number;
  readonly nQueued: number;
  readonly nBytes: number;
  readonly sentSeq: number;
  readonly nAcknowledged: number;
  readonly nRejected: number;
  readonly nFailures: number;
}

export class Following {
  constructor(from: number);
  free(): void;
  readonly from: number;
  hello(firstOffset: number, nextOffset: number, createdMicros: number): boolean;
  skip(firstOffset: number, nRows: number): number;
  lost(random: number): number;
}

export default function init(code: BufferSource | WebAssembly.Module): Promise<void>;
