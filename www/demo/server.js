// Finds out where this page's tables live.

/** A server of this machine answers within milliseconds; one far away may take its time. */
const TIMEOUT_MILLIS = 3000;

/** The address of the server that this page comes from; null where none answers, and tables live in this browser. */
export async function findServer() {
  try {
    const response = await fetch("/api/v1/health", { signal: AbortSignal.timeout(TIMEOUT_MILLIS) });
    const { status } = await response.json();
    if (response.ok && status === "ok") return location.origin;
  } catch {
    // Nobody answers, or somebody who is no server: a folder of pages that has no such file, a proxy that finds nobody.
  }
  return null;
}
