// The time of a call, in microseconds.

/** How far the fine clock may be off before it is set anew: a machine that slept leaves it behind. */
const MAX_DRIFT_MILLIS = 20;

/** What the fine clock lacks to the time since 1970, in milliseconds. */
let shift = performance.timeOrigin;

/** Microseconds since 1970-01-01T00:00:00Z, as fine as the platform tells. */
export function nowMicros(): number {
  return Math.round((performance.now() + shift) * 1000);
}

/** Sets the fine clock anew where it is off. Time does not jump within a task, so each task needs this but once. */
export function checkClock(): void {
  const wall = Date.now();
  // A whole millisecond stands for the half after it on average.
  if (!(Math.abs(performance.now() + shift - wall) <= MAX_DRIFT_MILLIS)) shift = wall + 0.5 - performance.now();
}
