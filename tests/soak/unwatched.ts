// Pages that Playwright does not attach to. Of each request of a page it watches, the browser keeps something in that page's
// process for as long as the page lives, which would pass for a leak. It leaves alone what lies in a browser context that it
// did not make; we speak to such pages ourselves.

import type { Browser, CDPSession } from "@playwright/test";

/** What Chromium's protocol answers or tells. */
interface Message {
  id?: number;
  method?: string;
  params?: any;
  result?: any;
  error?: { message: string };
}

/** A browser context with pages that nobody else watches. */
export class Unwatched {
  private constructor(
    readonly browser: CDPSession,
    readonly browserContextId: string,
  ) {}

  static async in(browser: Browser): Promise<Unwatched> {
    const session = await browser.newBrowserCDPSession();
    const { browserContextId } = await session.send("Target.createBrowserContext");
    return new Unwatched(session, browserContextId);
  }

  /** Opens a page; `before` runs in it before its own scripts do. */
  async open(url: string, before?: () => void): Promise<UnwatchedPage> {
    const { browser, browserContextId } = this;
    const { targetId } = await browser.send("Target.createTarget", { url: "about:blank", browserContextId, newWindow: true });
    // A session of its own messages: Playwright would drop answers to a session that it does not know.
    const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: false });
    const page = new UnwatchedPage(browser, sessionId);
    for (const domain of ["Page", "Runtime", "Log"]) await page.call(`${domain}.enable`);
    if (before) await page.call("Page.addScriptToEvaluateOnNewDocument", { source: `(${before})()` });
    const loaded = page.told("Page.loadEventFired");
    await page.call("Page.navigate", { url });
    await loaded;
    return page;
  }
}

/** A page that nobody else watches. */
export class UnwatchedPage {
  /** The errors on its console, and those that nobody caught. */
  readonly errors: string[] = [];
  #n_calls = 0;
  readonly #calls = new Map<number, { resolve: (result: any) => void; reject: (error: Error) => void }>();
  readonly #waiting: { method: string; resolve: () => void }[] = [];

  constructor(
    readonly browser: CDPSession,
    readonly sessionId: string,
  ) {
    browser.on("Target.receivedMessageFromTarget", ({ sessionId, message }) => {
      if (sessionId === this.sessionId) this.#take(JSON.parse(message) as Message);
    });
  }

  /** Calls a method of Chromium's protocol. */
  async call(method: string, params: object = {}): Promise<any> {
    const id = ++this.#n_calls;
    const answer = new Promise<any>((resolve, reject) => this.#calls.set(id, { resolve, reject }));
    const message = JSON.stringify({ id, method, params });
    await this.browser.send("Target.sendMessageToTarget", { sessionId: this.sessionId, message });
    return answer;
  }

  /** Runs a function in the page, which may use nothing from around it, and gives what it gives. */
  async run<Result, Arg = void>(f: (arg: Arg) => Result | Promise<Result>, arg?: Arg): Promise<Result> {
    const expression = `(${f})(${JSON.stringify(arg) ?? ""})`;
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails: thrown } = await this.call("Runtime.evaluate", options);
    if (thrown) throw new Error(thrown.exception?.description ?? thrown.text);
    return result.value;
  }

  /** Settles when an event comes. */
  told(method: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ method, resolve }));
  }

  #take({ id, method, params, result, error }: Message): void {
    if (id !== undefined) {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error) call?.reject(new Error(error.message));
      else call?.resolve(result);
      return;
    }
    if (method === "Log.entryAdded" && params.entry.level === "error") this.errors.push(params.entry.text);
    if (method === "Runtime.exceptionThrown") this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Runtime.consoleAPICalled" && params.type === "error") {
      this.errors.push(params.args.map((arg: any) => arg.value ?? arg.description).join(" "));
    }
    for (const waiting of this.#waiting.filter((waiting) => waiting.method === method)) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.resolve();
    }
  }
}
