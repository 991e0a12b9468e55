// An empty function in place of a library: what the harness itself costs.

export function start() {}

export function log(row) {
  return row;
}
