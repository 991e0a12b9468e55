// The rows as Arrow, and what every library is asked. The values are spread evenly over 0 to 1,000.

/** As many rows has a frame of a table that is loaded. */
export const FRAME_ROWS = 65_536;
/** What `append` adds at a time. */
export const N_APPENDED = 1_000;

/** The range of the filter: a tenth of the values. */
export const RANGE = { least: 400, below: 500 };
/** A part of some tags. */
export const TAG_PART = "f0d";

const CONTINUATION_BYTES = 8;

/**
 * `nRows` rows: as frames, each a stream of its own, and as one stream of the same batches.
 *
 * @param {(first: number, nRows: number) => Uint8Array} makeFrame
 */
export function makeRows(makeFrame, nRows) {
  const frames = [];
  for (let first = 0; first < nRows; first += FRAME_ROWS) frames.push(makeFrame(first, Math.min(FRAME_ROWS, nRows - first)));
  return { frames, stream: joined(frames) };
}

/** One stream of the batches of some: the schema of the first, each batch, and the end. */
function joined(frames) {
  const parts = frames.map((frame, idx) => frame.subarray(idx === 0 ? 0 : schemaBytes(frame), frame.length - CONTINUATION_BYTES));
  parts.push(frames[0].subarray(frames[0].length - CONTINUATION_BYTES));
  const stream = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    stream.set(part, at);
    at += part.length;
  }
  return stream;
}

/** How long the first message of a stream is, its schema, which has no body. */
function schemaBytes(stream) {
  return CONTINUATION_BYTES + new DataView(stream.buffer, stream.byteOffset).getInt32(4, true);
}
