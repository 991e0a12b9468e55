// Reads a trace: how long the page's main thread was busy since the mark `bench-start`.

/** The sum of the tasks of the main thread from the mark on, the mark's own included, and the longest of them. */
export function mainThread(events) {
  const mark = events.find(({ name }) => name === "bench-start");
  if (mark === undefined) throw new Error("the trace has no mark");
  const isLater = ({ ts, dur }) => ts + dur >= mark.ts;
  const isTask = ({ name, ph, pid, tid }) => name === "RunTask" && ph === "X" && pid === mark.pid && tid === mark.tid;
  const millis = events.filter((event) => isTask(event) && isLater(event)).map(({ dur }) => dur / 1000);
  return { busyMillis: millis.reduce((sum, each) => sum + each, 0), longestMillis: Math.max(...millis) };
}
