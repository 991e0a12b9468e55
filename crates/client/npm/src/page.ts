// The page's life, for those whose rows it may end: it goes, it comes back, the network does.

/** What is told of it. */
export interface PageEvents {
  /** The page may end now. What is sent may have `budget` bytes; says how many it took. */
  onLeave(budget: number, isGoing: boolean): number;
  /** The page came back from the browser's cache, where it was frozen. */
  onReturn(): void;
  /** The network may be well again, or the page is looked at again. */
  onHint(): void;
}

/** Requests that outlive their page have 65,536 bytes together, headers and whatever else the page sends included. */
const LEAVE_BUDGET_BYTES = 60_000;

const watching = new Set<PageEvents>();
let isGoing = false;
let stop: (() => void) | undefined;

/** Whether the page goes. */
export function isLeaving(): boolean {
  return isGoing;
}

/** Tells `events` until the function it returns is called. Workers and programs have no page, and nothing is told. */
export function watchPage(events: PageEvents): () => void {
  watching.add(events);
  stop ??= listen();
  return () => {
    watching.delete(events);
    if (watching.size > 0) return;
    stop?.();
    stop = undefined;
  };
}

function leave(): void {
  let budget = LEAVE_BUDGET_BYTES;
  for (const page of [...watching]) budget -= page.onLeave(budget, isGoing);
}

function listen(): () => void {
  const listeners: [string, EventTarget, (event: Event) => void][] = [
    ["online", globalThis as unknown as EventTarget, () => watching.forEach((page) => page.onHint())],
  ];
  if (typeof document !== "undefined") {
    const onVisibility = () => {
      // A page that a phone puts away may get no other notice than that it is hidden.
      if (document.visibilityState === "hidden") leave();
      else watching.forEach((page) => page.onHint());
    };
    const onHide = () => {
      isGoing = true;
      leave();
    };
    const onShow = (event: Event) => {
      isGoing = false;
      if ((event as PageTransitionEvent).persisted) watching.forEach((page) => page.onReturn());
    };
    listeners.push(["visibilitychange", document, onVisibility], ["pagehide", window, onHide], ["pageshow", window, onShow]);
  }
  // Node has no events of its own here.
  const all = listeners.filter(([, target]) => "addEventListener" in target);
  for (const [kind, target, f] of all) target.addEventListener(kind, f);
  return () => {
    for (const [kind, target, f] of all) target.removeEventListener(kind, f);
  };
}
