// Which writers live: each page life holds a lock of its writer's, which the browser frees however the page ends.
//
// A lock saves work and nothing depends on it: whoever sends a writer's rows starts at the oldest that is not known to be
// stored and goes on in order, so that two who send the same rows store them once.

/** A lock that is held. */
export interface Hold {
  /** Lets it go. */
  release(): void;
  /** Settles when somebody took it. */
  readonly stolen: Promise<void>;
}

/** The lock of a writer, or nothing where another page has it. `steal` takes it from whoever has it. */
export function holdWriter(writer: string, options: { ifAvailable?: true; steal?: true }): Promise<Hold | undefined> {
  return new Promise((resolve) => {
    let onStolen = () => {};
    const stolen = new Promise<void>((settle) => (onStolen = settle));
    const held = (lock: unknown) =>
      lock === null ? resolve(undefined) : new Promise<void>((release) => resolve({ release, stolen }));
    navigator.locks.request(`streamtable/${writer}`, options, held).catch(() => {
      onStolen();
      resolve(undefined);
    });
  });
}

/** Whether the browser has locks: pages of plain http have none. */
export function hasLocks(): boolean {
  return typeof navigator !== "undefined" && "locks" in navigator;
}

/** After how long a writer's rows are taken for left behind where there are no locks, in milliseconds. */
const MAX_WAIT_MILLIS = 180_000;

/** Whether rows stored at that time are to be taken for left behind where there are no locks to tell. */
export function isOld(at: number): boolean {
  return Math.abs(Date.now() - at) > MAX_WAIT_MILLIS;
}
