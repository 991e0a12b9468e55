// Bytes that a script carries: deflated, in base64.

import { fromBase64 } from "./media.js";

/** The bytes that such a text stands for. */
export function inflate(text: string): Promise<ArrayBuffer> {
  const bytes = new Blob([fromBase64(text) as Uint8Array<ArrayBuffer>]).stream();
  return new Response(bytes.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}
