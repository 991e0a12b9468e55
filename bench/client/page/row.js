// The row that every library is given: five columns, about 200 bytes as JSON. It depends on its number alone, so each
// library and each repetition logs the same rows.

const N_TEXTS = 512;
const WORDS = ["batch", "warm-up", "checkpoint", "gradient", "clipped", "validation", "queue", "learning rate", "restarted", "stable"];

const texts = Array.from({ length: N_TEXTS }, (_, idx) => {
  const word = (n) => WORDS[mixed(idx * 8 + n) % WORDS.length];
  return {
    note: `${word(0)} ${word(1)} after ${mixed(idx) % 1000} s, ${word(2)} ${word(3)}; ${word(4)} ${word(5)}`,
    user: `${hex(idx * 4)}-${hex(idx * 4 + 1)}-${hex(idx * 4 + 2)}`,
  };
});

/** Row number `step`: a new object at each call, as a page makes one. */
export function makeRow(step) {
  const { note, user } = texts[step % N_TEXTS];
  return { step, loss: mixed(step) / 2 ** 32, note, ok: step % 7 !== 0, user };
}

/** 32 bits that look random and are the same in each run. */
function mixed(n) {
  let bits = Math.imul(n ^ 0x9e3779b9, 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

function hex(n) {
  return mixed(n).toString(16).padStart(8, "0");
}
