// Reads a trace: what the tasks of the page's main thread and of its worker cost the processor. Where others work on the
// machine, a task takes longer than it works.

/** What a page calls its mark, by which its main thread is known in the trace. */
export const MARK = "bench-start";

/** The tasks of both threads since the mark: how much they worked, and the longest by its work, in milliseconds. */
export function worked(events) {
  const mark = events.find(({ name }) => name === MARK);
  if (mark === undefined) throw new Error("the trace has no mark");
  const isWorker = ({ name, pid, args }) => name === "thread_name" && pid === mark.pid && args.name.startsWith("DedicatedWorker");
  const workers = new Set(events.filter(isWorker).map(({ tid }) => tid));
  const of = (isThread) => {
    const isTask = ({ name, ph, pid, tid, ts }) => name === "RunTask" && ph === "X" && pid === mark.pid && isThread(tid) && ts >= mark.ts;
    const millis = events.filter(isTask).map(({ tdur = 0 }) => tdur / 1000);
    return { millis: millis.reduce((sum, each) => sum + each, 0), longestMillis: millis.reduce((a, b) => Math.max(a, b), 0) };
  };
  return { main: of((tid) => tid === mark.tid), worker: of((tid) => workers.has(tid)) };
}
