// Reads a trace: the longest tasks of each thread, with what of them the processor worked.
export function longestTasks(events) {
  const names = new Map();
  for (const e of events) if (e.name === "thread_name") names.set(`${e.pid}/${e.tid}`, e.args.name);
  const threads = new Map();
  for (const e of events) {
    if (e.ph !== "X" || e.name !== "RunTask") continue;
    const key = `${e.pid}/${e.tid} ${names.get(`${e.pid}/${e.tid}`)}`;
    if (!threads.has(key)) threads.set(key, { n: 0, wall: 0, cpu: 0, tasks: [] });
    const t = threads.get(key);
    t.n += 1; t.wall += e.dur / 1000; t.cpu += (e.tdur ?? 0) / 1000;
    if (e.dur > 5000) t.tasks.push([e.dur / 1000, (e.tdur ?? 0) / 1000, e.ts]);
  }
  for (const t of threads.values()) t.tasks = t.tasks.sort((a, b) => b[0] - a[0]).slice(0, 12);
  return [...threads].sort((a, b) => b[1].cpu - a[1].cpu).slice(0, 8).map(([name, t]) => ({ name, ...t }));
}
