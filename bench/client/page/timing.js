// Measures calls, in the page. A task is timed from its start until its microtasks have run, so that what a library puts
// off until the end of the task counts as well.

import { makeRow } from "./row.js";

/** Where the calls start in the order of rows. */
let nextStep = 0;

/** Microseconds a call of one task: inside the calls alone, and for the whole task. */
export function timeTask(log, nCalls) {
  return new Promise((resolve) => {
    scheduler.postTask(() => {
      const started = performance.now();
      for (let idx = 0; idx < nCalls; idx++) log(makeRow(nextStep++));
      const called = performance.now();
      // A task of the highest priority runs next, once the microtasks of this one have run.
      const next = () => {
        const ended = performance.now();
        const micros = (until) => ((until - started) * 1000) / nCalls;
        resolve({ callMicros: micros(called), taskMicros: micros(ended) });
      };
      scheduler.postTask(next, { priority: "user-blocking" });
    });
  });
}

/** The times of `nTasks` tasks of `nCalls` each, with a pause before each. */
export async function timeTasks(log, nTasks, nCalls, pauseMillis) {
  const times = [];
  performance.mark("bench-start");
  for (let idx = 0; idx < nTasks; idx++) {
    await new Promise((resolve) => setTimeout(resolve, pauseMillis));
    times.push(await timeTask(log, nCalls));
  }
  return times;
}

/** Logs `nRows` rows in one task. */
export function logInOneTask(log, nRows) {
  return new Promise((resolve) => {
    scheduler.postTask(() => {
      performance.mark("bench-start");
      for (let idx = 0; idx < nRows; idx++) log(makeRow(nextStep++));
      resolve();
    });
  });
}

/** Lets the next row be number `step`. */
export function startAt(step) {
  nextStep = step;
}
