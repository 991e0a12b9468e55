// Medians and ranges.

/** The middle of some numbers, or the mean of the two in the middle. */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, least and greatest of a figure over the repetitions that have it; null when none does. */
export function summary(samples) {
  const numbers = samples.filter((sample) => typeof sample === "number");
  if (numbers.length === 0) return null;
  return { median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers) };
}

/** The summary of each numeric figure of some records. */
export function summarize(records) {
  const names = [...new Set(records.flatMap(Object.keys))];
  const figures = names.map((name) => [name, summary(records.map((record) => record[name]))]);
  return Object.fromEntries(figures.filter(([, figure]) => figure !== null));
}
