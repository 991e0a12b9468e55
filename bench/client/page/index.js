// The page of a library: its entry is bundled under `#entry`, and the harness calls what `bench` holds.

import { log, start } from "#entry";

import { logInOneTask, startAt, timeTask, timeTasks } from "./timing.js";

globalThis.bench = {
  start,
  startAt,
  logInOneTask: (nRows) => logInOneTask(log, nRows),
  timeTask: (nCalls) => timeTask(log, nCalls),
  timeTasks: (nTasks, nCalls, pauseMillis) => timeTasks(log, nTasks, nCalls, pauseMillis),
};
