// Medians and other ranks of samples.

/** The number at that share of some; NaN where there are none. */
export function quantile(numbers, share) {
  if (numbers.length === 0) return NaN;
  return numbers.toSorted((a, b) => a - b)[Math.round(share * (numbers.length - 1))];
}

/** The number in the middle. */
export function median(numbers) {
  return quantile(numbers, 0.5);
}
