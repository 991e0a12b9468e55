// Whether the libraries gave the same answers.

/** Sums in another order differ in their last digits. */
const TOLERANCE = 1e-9;

/** Sentences about answers that differ from those of the first library that gave any. */
export function differences(runs) {
  const [first, ...others] = runs.filter(({ samples }) => samples.length > 0);
  return others.flatMap(({ name, samples }) =>
    Object.entries(samples[0].answers)
      .filter(([question, answer]) => !isAlike(answer, first.samples[0].answers[question]))
      .map(([question]) => `${name} answers "${question}" otherwise than ${first.name}`),
  );
}

function isAlike(a, b) {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, idx) => isAlike(item, b[idx]));
  return Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));
}
