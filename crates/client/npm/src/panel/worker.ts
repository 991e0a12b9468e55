// One worker for all panels of a table: it holds the table and its connection once, and ends with the last of them.
//
// A panel numbers itself and its requests as if it were alone; on the way through here they get numbers that are distinct.

import { workerScript } from "#panel-assets";

import { StreamTableError } from "../errors.js";

/** What a panel says and is told, as far as it matters here: crates/board/src/protocol.rs. */
type Message = { readonly [kind: string]: Numbered } | (Numbered & { readonly rowIds: Float64Array });
type Numbered = { panel?: number; request?: number };

/** A number of ours, and what stands for it at a panel's end. */
interface Known {
  readonly line: WorkerLine;
  readonly own: number;
}

/** What the worker says once it listens. */
const READY = "ready";

/** Says that the script runs, and starts with the module that it is sent then. */
const START = `
onmessage = ({ data }) => {
  onmessage = null;
  // The page is not told of a rejection, only of an error.
  glue.default({ module_or_path: data }).catch((error) => setTimeout(() => { throw error; }));
};
postMessage("started");
`;

const workers = new Map<string, TableWorker>();

/** A panel's line to the worker of its table, which it takes for a worker of its own. */
export class WorkerLine {
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onerror: ((event: { readonly message: string }) => void) | null = null;
  readonly #worker: TableWorker;

  constructor(worker: TableWorker) {
    this.#worker = worker;
  }

  postMessage(message: Message): void {
    this.#worker.say(this, message);
  }

  /** From here on the panel listens. */
  begin(): void {
    this.#worker.begin(this);
  }
}

/** The worker's program, once it is compiled. */
type Program = Promise<WebAssembly.Module>;

/**
 * A line to the worker of a table, until the signal ends it.
 *
 * @throws {StreamTableError} `worker_blocked` where the page's policy does not let it run.
 */
export async function openLine(table: string, program: Program, signal: AbortSignal): Promise<WorkerLine> {
  signal.throwIfAborted();
  const worker = workers.get(table) ?? new TableWorker(table, program);
  const line = worker.join(signal);
  await worker.started;
  return line;
}

class TableWorker {
  /** Settles when the script runs. */
  readonly started: Promise<void>;
  readonly #table: string;
  readonly #lines = new Set<WorkerLine>();
  readonly #listening = new Set<WorkerLine>();
  readonly #panels = new Map<number, Known>();
  readonly #requests = new Map<number, Known>();
  #worker: Worker | undefined;
  #isReady = false;
  #lastNumber = 0;

  constructor(table: string, program: Program) {
    this.#table = table;
    workers.set(table, this);
    this.started = this.#start(program);
  }

  join(signal: AbortSignal): WorkerLine {
    const line = new WorkerLine(this);
    this.#lines.add(line);
    signal.addEventListener("abort", () => this.#leave(line), { once: true });
    return line;
  }

  begin(line: WorkerLine): void {
    this.#listening.add(line);
    if (this.#isReady) line.onmessage?.({ data: READY });
  }

  /** Passes on what a panel says. */
  say(line: WorkerLine, message: Message): void {
    const numbered = numberedPart(message);
    if (numbered.panel !== undefined) numbered.panel = this.#panelOf(line, numbered.panel);
    if (numbered.request !== undefined) numbered.request = this.#number(this.#requests, { line, own: numbered.request });
    this.#worker?.postMessage(message);
  }

  async #start(program: Program): Promise<void> {
    const script = URL.createObjectURL(new Blob([workerScript, START], { type: "text/javascript" }));
    try {
      await new Promise<void>((resolve, reject) => {
        const worker = new Worker(script, { name: "stream-table" });
        this.#worker = worker;
        worker.onmessage = () => resolve();
        worker.onerror = (event) => reject(new Error(event.message || "its script was refused"));
      });
    } catch (error) {
      const hint = "a Content-Security-Policy must have blob: in worker-src";
      throw new StreamTableError("worker_blocked", `the worker that reads the table cannot run in this page; ${hint}`, { cause: error });
    } finally {
      URL.revokeObjectURL(script);
    }
    const worker = this.#worker;
    if (!worker) return;
    worker.onmessage = ({ data }) => this.#pass(data);
    worker.onerror = (event) => {
      this.#forget();
      for (const line of this.#listening) line.onerror?.(event);
    };
    // Where it cannot be compiled, that is told to those who asked for it.
    program.then((module) => worker.postMessage(module), () => undefined);
  }

  /** Panels that are opened from now on get another worker. */
  #forget(): void {
    if (workers.get(this.#table) === this) workers.delete(this.#table);
  }

  /** Passes on what the worker says. */
  #pass(data: unknown): void {
    if (data === READY) {
      this.#isReady = true;
      for (const line of this.#listening) line.onmessage?.({ data });
      return;
    }
    const numbered = numberedPart(data as Message);
    let known: Known | undefined;
    if (numbered.request !== undefined) {
      known = this.#requests.get(numbered.request);
      this.#requests.delete(numbered.request);
      if (known) numbered.request = known.own;
    } else if (numbered.panel !== undefined) {
      known = this.#panels.get(numbered.panel);
      if (known) numbered.panel = known.own;
    }
    // What a panel asked for that is gone meanwhile is nobody's.
    known?.line.onmessage?.({ data });
  }

  #leave(line: WorkerLine): void {
    this.#lines.delete(line);
    this.#listening.delete(line);
    for (const [panel, known] of this.#panels) {
      if (known.line !== line) continue;
      this.#panels.delete(panel);
      this.#worker?.postMessage({ Close: { panel } });
    }
    for (const [request, known] of this.#requests) {
      if (known.line === line) this.#requests.delete(request);
    }
    if (this.#lines.size > 0) return;
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#forget();
  }

  #panelOf(line: WorkerLine, own: number): number {
    for (const [panel, known] of this.#panels) {
      if (known.line === line && known.own === own) return panel;
    }
    return this.#number(this.#panels, { line, own });
  }

  #number(numbers: Map<number, Known>, known: Known): number {
    this.#lastNumber += 1;
    numbers.set(this.#lastNumber, known);
    return this.#lastNumber;
  }
}

/** The part of a message that holds its numbers: windows are flat, all else stands under the name of its kind. */
function numberedPart(message: Message): Numbered {
  return "rowIds" in message ? (message as Numbered) : (Object.values(message)[0] as Numbered);
}
