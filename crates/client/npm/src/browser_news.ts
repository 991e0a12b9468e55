// Tells every page and worker of the origin that a table of this browser changed. It is said which table, not what became
// of it: whoever hears it looks, so news that is missed or comes twice does no harm.

const CHANNEL = "streamtable";

type Listener = (table: string) => void;

const listeners = new Set<Listener>();
/** Open while somebody listens. */
let channel: BroadcastChannel | undefined;

/** Says that rows were added to the table of that full name, or that it was deleted. */
export function tellTableChanged(table: string): void {
  for (const f of [...listeners]) f(table);
  if (typeof BroadcastChannel === "undefined") return;
  // A page that only logs keeps no channel open, which could keep it out of the back/forward cache.
  const way = channel ?? new BroadcastChannel(CHANNEL);
  way.postMessage({ table });
  if (way !== channel) way.close();
}

/** Calls `f` with the name of each table that changes, here or in another tab; gives the function that ends that. */
export function onTableChanged(f: Listener): () => void {
  listeners.add(f);
  if (!channel && typeof BroadcastChannel !== "undefined") {
    channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = ({ data }: MessageEvent<{ table?: unknown } | null>) => {
      const table = data?.table;
      if (typeof table === "string") for (const listener of [...listeners]) listener(table);
    };
  }
  return () => {
    listeners.delete(f);
    if (listeners.size > 0) return;
    channel?.close();
    channel = undefined;
  };
}
