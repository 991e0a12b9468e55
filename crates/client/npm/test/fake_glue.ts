// Stands in for the WebAssembly half: keeps what it is handed.

/** What the newest client was handed, a text a call. */
export const pushed: string[] = [];
/** What the start waits for, so that a test can log before it. */
export const gate = { ready: Promise.resolve(), error: undefined as Error | undefined };

export class Client {
  #nQueued = 0;
  constructor(
    readonly name: string,
    readonly options: object,
    readonly notify: (kind: string, value: unknown) => void,
  ) {}
  push(lines: string): void {
    pushed.push(lines);
    this.#nQueued += lines.split("\n").length - 1;
  }
  async flush(): Promise<void> {
    const stored = this.#nQueued;
    this.#nQueued = 0;
    this.notify("ack", { ackedSeq: stored, stored, duplicates: 0, refused: 0, firstOffset: 0 });
    this.notify("status", undefined);
  }
  lastCall(): string | undefined {
    return this.#nQueued > 0 ? `${this.#nQueued} rows` : undefined;
  }
  finish(): void {}
  status(): object {
    const n = { queued: this.#nQueued, sent: 0, acknowledged: 0, rejected: 0, dropped: 0, bytes: 0 };
    return { state: this.#nQueued > 0 ? "sending" : "idle", ...n, lastError: null };
  }
  subscribe(): { free: () => void } {
    return { free: () => undefined };
  }
}

export default async function init(): Promise<void> {
  await gate.ready;
  if (gate.error) throw gate.error;
}
