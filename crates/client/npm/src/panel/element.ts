// The element `<stream-table>`: what its attributes ask for, what it says while there is nothing to show, and when the
// board is loaded, changed and let go. All that draws rows is in the board's half, which `board.ts` loads.

import { describe, StreamTableError } from "../errors.js";
import { entityOf, parseName } from "../name.js";
import type { Board } from "./board.js";
import { isDarkAround, watchPage } from "./theme.js";

const DEFAULT_SERVER = "http://127.0.0.1:7700";
/** What the attribute `server` says of a table that lives in this browser. */
const IN_BROWSER = "browser";

/** Light, dark, or as the page around the element is. */
export type PanelTheme = "light" | "dark" | "auto";

/** A table to show: what a `StreamTable` tells of itself, or as much of it as is known. */
export interface PanelTable {
  /** `entity/project/table`; missing parts are `local` and `default`. */
  readonly name: string;
  /** The server's address. Default: `"http://127.0.0.1:7700"`. Null: the table lives in this browser. */
  readonly server?: string | null | undefined;
  /** The key to read with, where the server asks for one. */
  readonly key?: string | undefined;
}

/** The element's own events. */
export interface StreamTablePanelEvents {
  /** Another expression is shown, because something was clicked or typed, or because the page asked for it. */
  expressionchange: CustomEvent<{ readonly expression: string }>;
  /**
   * The panel cannot show what was asked for, as it says itself, too. `error` is a `StreamTableError` with a `code`:
   * `"wasm_blocked"` or `"worker_blocked"` by the page's policy; `"bad_expression"`; `"tail_lost"` once an outage, while
   * the server is tried again; `"panel_failed"`; or one that starts with `"name_"` or reads `"bad_argument"`.
   */
  error: ErrorEvent;
}

/** A panel that is open or being opened. */
interface Opened {
  readonly name: string;
  readonly server: string | null;
  readonly key: string | undefined;
  /** Ends the worker, its connection and the frame. */
  readonly ending: AbortController;
  /** What was asked for last, which is what is shown unless somebody chose otherwise. */
  asked: string | undefined;
  /** Whether it said what it shows. */
  isTold?: boolean;
  board?: Board;
}

const STYLES = `
:host {
  display: block; position: relative; box-sizing: border-box; height: 480px; min-width: 0; overflow: hidden;
  border: 1px solid #80808040; border-radius: 8px;
}
:host([hidden]) { display: none; }
.box { position: absolute; inset: 0; background: light-dark(#ffffff, #18191c); }
iframe { display: block; width: 100%; height: 100%; border: 0; }
.message {
  position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; margin: 0; padding: 20px; overflow: auto;
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; text-align: center;
  overflow-wrap: anywhere; color: light-dark(#65656f, #9b9ba6); background: light-dark(#ffffff, #18191c);
}
.message[hidden] { display: none; }
.message > * { max-width: 52ch; }
.message > strong { margin-bottom: 8px; font-size: 17px; color: light-dark(#1b1b20, #ececf0); }
`;

// A class that extends nothing can be made where there are no elements; only there nobody makes one of it.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/**
 * A table's live panel: `<stream-table name="entity/project/table" server="https://…" key="st_read_…" expression="…" theme="auto">`.
 *
 * It is 480 pixels high unless the page's styles say otherwise, and loads the board's half when it is put into a page.
 * Taken out of the page it lets go of everything; put back it shows the same expression.
 *
 * @example
 * import "streamtable/panel";
 * document.body.innerHTML = '<stream-table name="my_entity/my_project/my_table"></stream-table>';
 */
export class StreamTablePanel extends Base {
  static readonly observedAttributes: readonly string[] = ["expression", "key", "name", "server", "theme"];

  readonly #box: HTMLElement;
  readonly #message: HTMLElement;
  #opened: Opened | undefined;
  #expression: string | undefined;
  #isUpdateDue = false;
  #unwatch: (() => void) | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    root.adoptedStyleSheets = [sheet];
    this.#box = Object.assign(document.createElement("div"), { className: "box" });
    this.#message = Object.assign(document.createElement("p"), { className: "message", hidden: true });
    this.#box.append(this.#message);
    root.append(this.#box);
  }

  /**
   * An element for a table, such as for the last line of a notebook's cell: `StreamTablePanel.of(st)`.
   *
   * @throws {StreamTableError} where the platform has no elements: `code` is `"no_elements"`.
   */
  static of(table: PanelTable | string, options: { expression?: string; theme?: PanelTheme } = {}): StreamTablePanel {
    if (typeof customElements === "undefined") {
      throw new StreamTableError("no_elements", "this platform has no elements to show a panel with");
    }
    const panel = document.createElement("stream-table");
    const { name, server, key }: PanelTable = typeof table === "string" ? { name: table } : table;
    panel.name = name;
    if (key !== undefined) panel.key = key;
    if (server !== undefined) panel.server = server ?? IN_BROWSER;
    if (options.expression !== undefined) panel.setAttribute("expression", options.expression);
    if (options.theme !== undefined) panel.theme = options.theme;
    return panel;
  }

  /** The table: `table`, `project/table` or `entity/project/table`. The attribute, as it stands. */
  get name(): string {
    return this.getAttribute("name") ?? "";
  }
  set name(name: string) {
    this.setAttribute("name", name);
  }

  /**
   * The server's address; a relative one is read from the page's. `"browser"` for a table that lives in this browser. The
   * attribute, as it stands.
   */
  get server(): string {
    return this.getAttribute("server") ?? DEFAULT_SERVER;
  }
  set server(server: string) {
    this.setAttribute("server", server);
  }

  /** The key to read with, where the server asks for one; empty where none is given. The attribute, as it stands. */
  get key(): string {
    return this.getAttribute("key") ?? "";
  }
  set key(key: string) {
    this.setAttribute("key", key);
  }

  /** Light, dark, or `"auto"`, as the page is. */
  get theme(): PanelTheme {
    const theme = this.getAttribute("theme");
    return theme === "light" || theme === "dark" ? theme : "auto";
  }
  set theme(theme: PanelTheme) {
    this.setAttribute("theme", theme);
  }

  /**
   * What is shown, as the expression line has it; empty until the panel is there. Setting it shows something else and, like
   * what is clicked and typed in the panel, leaves the attribute alone, which is where the panel starts.
   */
  get expression(): string {
    return this.#expression ?? "";
  }
  set expression(expression: string | undefined) {
    this.#expression = expression || undefined;
    this.#updateSoon();
  }

  connectedCallback(): void {
    for (const name of ["name", "server", "key", "expression", "theme"] as const) this.#adopt(name);
    this.#unwatch = watchPage(() => this.#paint());
    this.#updateSoon();
  }

  disconnectedCallback(): void {
    this.#unwatch?.();
    this.#close();
  }

  /** Where a page moves the element by `moveBefore`, its frame stays as it is. */
  connectedMoveCallback(): void {}

  attributeChangedCallback(attribute: string, _old: string | null, text: string | null): void {
    if (attribute === "theme") return this.#paint();
    if (attribute === "expression") this.#expression = text ?? undefined;
    this.#updateSoon();
  }

  override addEventListener<K extends keyof StreamTablePanelEvents>(
    type: K,
    listener: (this: StreamTablePanel, event: StreamTablePanelEvents[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener<K extends keyof HTMLElementEventMap>(
    type: K,
    listener: (this: HTMLElement, event: HTMLElementEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(type: string, listener: unknown, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(type, listener as EventListener, options);
  }

  /** Takes over a property that was set before the element was registered. */
  #adopt(name: "name" | "server" | "key" | "expression" | "theme"): void {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete (this as Partial<StreamTablePanel>)[name];
    Object.assign(this, { [name]: value });
  }

  /** What a task changes is taken in together, in the microtask after it. */
  #updateSoon(): void {
    if (this.#isUpdateDue) return;
    this.#isUpdateDue = true;
    queueMicrotask(() => {
      this.#isUpdateDue = false;
      if (this.isConnected) this.#update();
    });
  }

  #update(): void {
    let wanted: { name: string; server: string | null; key: string | undefined };
    try {
      if (!this.name) {
        throw new StreamTableError("bad_argument", "the attribute `name` says which table to show, such as \"entity/project/table\"");
      }
      const { entity, project, table } = parseName(this.name, undefined, undefined, entityOf(this.key));
      wanted = { name: `${entity}/${project}/${table}`, server: address(this.server), key: this.key || undefined };
    } catch (error) {
      this.#close();
      return this.#fail(error as StreamTableError);
    }
    const opened = this.#opened;
    const isSame = opened?.name === wanted.name && opened.server === wanted.server && opened.key === wanted.key;
    if (isSame) return this.#show(opened);
    // The old table's expression names the old table.
    const isOfTable = this.#expression === undefined || opened === undefined || opened.name === wanted.name;
    if (!isOfTable && this.#expression === opened.asked) this.#expression = undefined;
    this.#close();
    void this.#open(wanted.name, wanted.server, wanted.key);
  }

  /** Shows what is asked for now, where that is not what was asked for before. */
  #show(opened: Opened): void {
    if (!opened.board || opened.asked === this.#expression) return;
    opened.asked = this.#expression;
    opened.board.show(this.#expression);
  }

  async #open(name: string, server: string | null, key: string | undefined): Promise<void> {
    const ending = new AbortController();
    const opened: Opened = { name, server, key, ending, asked: this.#expression };
    this.#opened = opened;
    this.#say("status", "Loading the table…");
    try {
      const { openBoard } = await import("./board.js");
      ending.signal.throwIfAborted();
      const place = {
        table: name,
        server,
        key,
        expression: opened.asked,
        onExpression: (expression: string) => this.#told(opened, expression),
        onFault: (code: string, message: string) => this.#emit(new StreamTableError(code, message, { isRetried: code === "tail_lost" })),
      };
      opened.board = await openBoard(this.#box, place, ending.signal);
    } catch (error) {
      // Nobody waits any longer for a panel that was let go.
      if (ending.signal.aborted) return;
      ending.abort();
      return this.#fail(inOurWords(error));
    }
    this.#message.hidden = true;
    this.#paint();
    this.#show(opened);
  }

  #close(): void {
    this.#opened?.ending.abort();
    this.#opened = undefined;
    this.#message.hidden = true;
  }

  /** The panel shows that expression now. */
  #told(opened: Opened, expression: string): void {
    if (opened.ending.signal.aborted) return;
    const isFirst = !opened.isTold;
    opened.isTold = true;
    opened.asked = this.#expression = expression;
    if (!isFirst) this.dispatchEvent(new CustomEvent("expressionchange", { detail: { expression } }));
  }

  #fail(error: StreamTableError): void {
    const { message } = error;
    const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.?!]$/.test(message) ? "" : "."}`;
    this.#say("alert", sentence, "The table cannot be shown");
    this.#emit(error);
  }

  #emit(error: StreamTableError): void {
    this.dispatchEvent(new ErrorEvent("error", { error, message: error.message }));
  }

  #say(role: "status" | "alert", sentence: string, title?: string): void {
    const line = (tag: string, textContent: string) => Object.assign(document.createElement(tag), { textContent });
    this.#message.replaceChildren(...(title ? [line("strong", title)] : []), line("span", sentence));
    this.#message.setAttribute("role", role);
    this.#message.hidden = false;
    this.#paint();
  }

  #paint(): void {
    if (!this.isConnected) return;
    const isDark = this.theme === "auto" ? isDarkAround(this) : this.theme === "dark";
    this.#box.style.colorScheme = isDark ? "dark" : "light";
    this.#opened?.board?.paint(isDark);
  }
}

/** The error of the board's half, whose class is another where this script is required and that one imported. */
function inOurWords(error: unknown): StreamTableError {
  if (error instanceof Error && error.name === "StreamTableError") {
    return new StreamTableError((error as StreamTableError).code, error.message, { cause: error.cause });
  }
  return new StreamTableError("panel_failed", `the panel could not be loaded: ${describe(error)}`, { cause: error });
}

/** A server's address in full, without a slash at its end; null for this browser. */
function address(server: string): string | null {
  if (server === IN_BROWSER) return null;
  const url = URL.canParse(server, document.baseURI) ? new URL(server, document.baseURI) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new StreamTableError("bad_argument", `the server is an address such as ${DEFAULT_SERVER}`);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}
