// The board's half: opens a table's panel in a frame of the element.
//
// The frame gives the panel a document: the page's styles do not reach it, widths are the frame's, keys pressed in it are
// not the page's. No script runs in the frame. The board's glue runs here, in the page, on the frame's document, so that a
// page's policy need not allow scripts from blobs; only the worker is one.

import { boardWasm, styles } from "#panel-assets";
import startGlue from "#panel-glue";

import { StreamTableError } from "../errors.js";
import { fromBase64 } from "../media.js";
import { openLine, type WorkerLine } from "./worker.js";

/** What the board is asked for, and whom it tells what happens. */
export interface Place {
  /** The table's full name. */
  readonly table: string;
  /** The server's address; null where the table lives in this browser. */
  readonly server: string | null;
  /** The key to read with. */
  readonly key: string | undefined;
  /** What to show first; all rows where nothing is said. */
  readonly expression: string | undefined;
  /** The panel shows that now. */
  readonly onExpression: (expression: string) => void;
  /** The panel says that something is wrong. */
  readonly onFault: (code: string, message: string) => void;
}

/** What the board finds in place of an address: crates/board/src/host.rs. */
export interface Host extends Place {
  readonly worker: WorkerLine;
  /** Shows something else; the board puts it here. */
  show?: (expression: string | undefined) => void;
}

/** An open panel. */
export interface Board {
  /** Shows that, or all rows. */
  show(expression: string | undefined): void;
  /** Draws it light or dark. */
  paint(isDark: boolean): void;
}

/**
 * Opens a panel in `box`, until the signal ends it and all it holds.
 *
 * @throws {StreamTableError} `wasm_blocked` or `worker_blocked` where the page's policy does not let it run.
 */
export async function openBoard(box: HTMLElement, place: Place, signal: AbortSignal): Promise<Board> {
  const compiling = compiled();
  const [program, worker, frame] = await Promise.all([
    compiling,
    openLine(`${place.server ?? ""} ${place.table} ${place.key ?? ""}`, compiling, signal),
    openFrame(box, place.table, signal),
  ]);
  signal.throwIfAborted();
  const host: Host = { ...place, worker };
  await startGlue(frame, host)({ module_or_path: program });
  signal.throwIfAborted();
  worker.begin();
  return {
    show: (expression) => host.show?.(expression),
    paint: (isDark) => {
      frame.document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
    },
  };
}

let compiling: Promise<WebAssembly.Module> | undefined;

/** The board's WebAssembly, compiled once for all panels of the page and their workers. */
function compiled(): Promise<WebAssembly.Module> {
  compiling ??= inflated(boardWasm).then((bytes) => WebAssembly.compile(bytes)).catch((error: unknown) => {
    const hint = "a Content-Security-Policy must have 'wasm-unsafe-eval' in script-src";
    throw new StreamTableError("wasm_blocked", `WebAssembly, which the panel is made of, cannot run in this page; ${hint}`, { cause: error });
  });
  return compiling;
}

async function inflated(base64: string): Promise<ArrayBuffer> {
  const deflated = new Blob([fromBase64(base64) as Uint8Array<ArrayBuffer>]).stream();
  return new Response(deflated.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

type FrameWindow = Window & typeof globalThis;

async function openFrame(box: HTMLElement, table: string, signal: AbortSignal): Promise<FrameWindow> {
  const frame = document.createElement("iframe");
  frame.title = `Table ${table}`;
  // Without a doctype it would be drawn as pages of the nineties were.
  frame.srcdoc = '<!doctype html><html lang="en">';
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  signal.throwIfAborted();
  signal.addEventListener("abort", () => frame.remove(), { once: true });
  box.prepend(frame);
  await loaded;
  const inside = frame.contentWindow as FrameWindow;
  // Made by a script and not by a text of the document, styles need no word of the page's policy.
  const sheet = new inside.CSSStyleSheet();
  sheet.replaceSync(styles);
  inside.document.adoptedStyleSheets = [sheet];
  return inside;
}
