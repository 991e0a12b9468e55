// Where the WebAssembly comes from. The build puts one of `inlined`, `given`, `workerd` and `edge_light` in place of
// `#source`, one for each entry of the package.

/** What a platform makes an instance of. */
export type Code = BufferSource | WebAssembly.Module;

/** The WebAssembly, when it is first needed. */
export function code(): Code | Promise<Code>;
