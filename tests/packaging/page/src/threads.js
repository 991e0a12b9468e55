// A page whose worker logs.

import { show } from "./log.js";

const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
show(
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
    worker.postMessage(location.href);
  }),
);
