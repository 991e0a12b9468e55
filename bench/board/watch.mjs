// What runs in the board's page before its own scripts: it notes long tasks, the frames of a scroll and when rows are on screen.

/** Makes `globalThis.watch`. */
export function watch() {
  const now = () => performance.timeOrigin + performance.now();
  const longTasks = [];
  const observed = (list) => longTasks.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration })));
  new PerformanceObserver(observed).observe({ type: "longtask", buffered: true });

  // Once the frame that is being made was handed over to be drawn, the next task begins.
  const channel = new MessageChannel();
  let waiting = [];
  channel.port1.onmessage = () => waiting.splice(0).forEach((f) => f());
  const afterFrame = (f) => (waiting.push(f), channel.port2.postMessage(null));

  let firstRowMillis = null;
  let topRow = null;
  const seen = new Map();
  const rowOf = (element) => (element.hidden || !element.dataset.rowId ? null : Number(element.dataset.rowId));
  const isDrawn = (row) => [...row.querySelectorAll("[role=gridcell]")].some((cell) => cell.textContent !== "");
  const look = () => {
    const first = document.querySelector('[data-testid=grid-row][aria-rowindex="2"]');
    const row = first && rowOf(first);
    if (row === null || !isDrawn(first)) return;
    if (firstRowMillis === null) afterFrame(() => (firstRowMillis ??= performance.now()));
    if (row === topRow) return;
    topRow = row;
    afterFrame(() => seen.has(row) || seen.set(row, now()));
  };
  new MutationObserver(look).observe(document, {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
    attributeFilter: ["data-row-id", "hidden", "aria-rowindex"],
  });

  let frames = [];
  let isScrolling = false;
  let last = null;
  const frame = (at) => {
    if (!isScrolling) return;
    if (last !== null) frames.push(at - last);
    last = at;
    requestAnimationFrame(frame);
  };

  globalThis.watch = {
    now,
    get firstRowMillis() {
      return firstRowMillis;
    },
    /** The long tasks since this was last asked. */
    takeLongTasks: () => longTasks.splice(0),
    /** When each row came to stand on top, by row, since this was last asked. */
    takeSeen: () => {
      const all = [...seen];
      seen.clear();
      return all;
    },
    beginFrames: () => {
      [frames, last, isScrolling] = [[], null, true];
      requestAnimationFrame(frame);
    },
    /** How far apart the frames were since `beginFrames`, in milliseconds. */
    endFrames: () => {
      isScrolling = false;
      return frames;
    },
  };
}
