// The types as a file has them that requires the package. It is checked, never run.

import streamtable = require("streamtable");
import slim = require("streamtable/slim");

export function uses(row: streamtable.Row, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const started: Promise<void> = slim.start(bytes);
  const st: streamtable.StreamTable = new streamtable.StreamTable("t");
  const url: string = st.log(row);
  // @ts-expect-error: a function is no cell.
  st.log({ f: () => url });
  return started;
}
