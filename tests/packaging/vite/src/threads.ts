// A worker logs.

const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });

export const stored = new Promise<number>((resolve, reject) => {
  worker.onmessage = ({ data }: MessageEvent<number>) => resolve(data);
  worker.onerror = reject;
  worker.postMessage(location.href);
});
