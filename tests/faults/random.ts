// Chance that can be had again: the same seed gives the same numbers.

/** A stream of numbers from a seed, by Marsaglia's xorshift (Journal of Statistical Software, 2003). */
export class Random {
  #state: number;

  constructor(seed: number) {
    // All zeros would stay so.
    this.#state = seed | 0 || 1;
  }

  /** A whole number from 0 up to `n`, not reached. */
  below(n: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % n;
  }

  /** One of a list. */
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** One of several, each as likely as its weight says. */
  weighted<T>(weights: readonly (readonly [T, number])[]): T {
    let left = this.below(weights.reduce((sum, [, weight]) => sum + weight, 0));
    return weights.find(([, weight]) => (left -= weight) < 0)![0];
  }
}
