// The glue that wasm-bindgen writes, as far as the class uses it. The build puts it in place of `#glue`.

import type { Status } from "./types.js";

type Notify = (kind: string, value: unknown) => void;
type TailNotify = (kind: string, a: unknown, b: number) => void;

export class Client {
  constructor(name: string, options: object, notify: Notify);
  push(lines: string): void;
  flush(): Promise<void>;
  lastCall(): string | undefined;
  finish(): void;
  status(): Status;
  subscribe(from: number | undefined, notify: TailNotify): Subscription;
}

export class Subscription {
  free(): void;
}

export default function init(source: { module_or_path: BufferSource | WebAssembly.Module }): Promise<unknown>;
