// Pictures and bytes to base64. What can change after the call is copied during the call.

/** Base64 text of bytes. */
export function toBase64(bytes: Uint8Array): string {
  const native = (bytes as { toBase64?: () => string }).toBase64;
  if (native) return native.call(bytes);
  let text = "";
  // `apply` takes its arguments from the stack, so they come in pieces.
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + 0x8000) as unknown as number[]);
  }
  return btoa(text);
}

/** Bytes of base64 text. */
export function fromBase64(text: string): Uint8Array {
  const native = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array }).fromBase64;
  if (native) return native(text);
  const chars = atob(text);
  const bytes = new Uint8Array(chars.length);
  for (let at = 0; at < chars.length; at++) bytes[at] = chars.charCodeAt(at);
  return bytes;
}

/** The media type of a blob; parameters that the wire does not take are left out. */
function mimeOf(blob: Blob): string {
  const isTaken = (mime: string) => /^[A-Za-z0-9/+.\-_;= ]+$/.test(mime);
  return [blob.type, blob.type.split(";", 1)[0] ?? ""].find(isTaken) ?? "application/octet-stream";
}

/** A data URL of a blob. */
export async function blobUrl(blob: Blob): Promise<string> {
  return `data:${mimeOf(blob)};base64,${toBase64(new Uint8Array(await blob.arrayBuffer()))}`;
}

/** Whether a text is a data URL of an image in strict base64, which is what the server takes for one. */
export function isImageUrl(text: string): boolean {
  if (!text.startsWith("data:image/")) return false;
  const head = /^data:image\/[A-Za-z0-9/+.\-_;= ]*?;base64,/.exec(text)?.[0];
  if (!head) return false;
  const end = text.endsWith("==") ? text.length - 2 : text.endsWith("=") ? text.length - 1 : text.length;
  if ((text.length - head.length) % 4 !== 0 || end < head.length) return false;
  if (/[^A-Za-z0-9+/]/.test(text.slice(head.length, end))) return false;
  // The bits of the last digit that no byte uses are zero.
  const last = text[end - 1] ?? "";
  const nPadding = text.length - end;
  return nPadding === 0 || (nPadding === 1 ? "AEIMQUYcgkosw048" : "AQgw").includes(last);
}

/**
 * A picture's data URL, or a promise of it where only a worker's canvas is there. Either way it is a copy made now.
 *
 * Throws what the platform throws, such as a `SecurityError` for a canvas that holds a picture of another origin.
 */
export function pictureUrl(kind: string, source: object): string | Promise<string> {
  if (kind === "HTMLCanvasElement") return drawn((source as HTMLCanvasElement).toDataURL());
  const { width, height } = source as { width: number; height: number };
  if (typeof document !== "undefined") {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    draw(canvas.getContext("2d"), kind, source);
    return drawn(canvas.toDataURL());
  }
  const canvas = new OffscreenCanvas(width, height);
  draw(canvas.getContext("2d"), kind, source);
  return canvas.convertToBlob().then(blobUrl);
}

/** A canvas without pixels, or with too many, gives `data:,`. */
function drawn(url: string): string {
  if (!url.startsWith("data:image/")) throw new Error("the picture has no pixels, or too many");
  return url;
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;

function draw(context: Context, kind: string, source: object): void {
  if (!context) throw new Error("there is no canvas to copy the picture to");
  if (kind === "ImageData") context.putImageData(source as ImageData, 0, 0);
  else context.drawImage(source as CanvasImageSource, 0, 0);
}
