// The time of a call, in microseconds.

/** How far the fine clock may be off before it is set anew: a machine that slept leaves it behind. */
const MAX_DRIFT_MILLIS = 20;

let shift = 0;

/** Microseconds since 1970-01-01T00:00:00Z, as fine as the platform tells. */
export function nowMicros(): number {
  const wall = Date.now();
  let fine = performance.timeOrigin + performance.now() + shift;
  if (!(Math.abs(fine - wall) <= MAX_DRIFT_MILLIS)) {
    // A whole millisecond stands for the half after it on average.
    shift += wall + 0.5 - fine;
    fine = wall + 0.5;
  }
  return Math.round(fine * 1000);
}
