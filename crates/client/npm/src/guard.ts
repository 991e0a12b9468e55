// Calls into the page's own functions.

/** Calls `f`. What it throws is its page's to see, and stops nothing here. */
export function guard(f: () => void): void {
  try {
    f();
  } catch (error) {
    if (typeof reportError === "function") reportError(error);
    else console.error(error);
  }
}
