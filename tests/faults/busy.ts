// How long the main thread of a page was busy, task by task, from the browser's own trace.

import type { Browser, Page } from "@playwright/test";

/** What the tasks of a main thread took, in milliseconds. */
export interface Busy {
  /** By the thread's own clock, which stands still while other programs have the processor. */
  readonly cpu: { readonly longest: number; readonly all: number };
  /** By the wall clock. */
  readonly wall: { readonly longest: number; readonly all: number };
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly args: { readonly name?: string };
  /** In microseconds by the wall clock, and by the thread's. */
  readonly dur?: number;
  readonly tdur?: number;
}

/** What the main thread of a page does until `act` has settled. Of all pages this one must be the busiest. */
export async function watchBusy(browser: Browser, page: Page, act: () => Promise<void>): Promise<Busy> {
  await browser.startTracing(page, { categories: ["disabled-by-default-devtools.timeline"] });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const isMain = ({ name, args }: TraceEvent) => name === "thread_name" && args.name === "CrRendererMain";
  const threads = traceEvents.filter(isMain).map(({ pid, tid }) => {
    const tasks = traceEvents.filter((event) => event.name === "RunTask" && event.pid === pid && event.tid === tid);
    return { cpu: summed(tasks.map(({ tdur }) => tdur ?? 0)), wall: summed(tasks.map(({ dur }) => dur ?? 0)) };
  });
  return threads.reduce((busiest, thread) => (thread.cpu.all > busiest.cpu.all ? thread : busiest));
}

function summed(micros: readonly number[]): { longest: number; all: number } {
  return { longest: Math.max(0, ...micros) / 1000, all: micros.reduce((sum, part) => sum + part, 0) / 1000 };
}
