// How notebooks show a table: the board's own panel in a frame. It needs no script in the notebook, so that one that is not
// trusted with scripts, or is opened later, shows the panel as well.

/** The symbol by which Deno's kernel asks a value for its forms. */
export const JUPYTER_DISPLAY: unique symbol = Symbol.for("Jupyter.display") as never;

/** The forms of a panel, by media type, for the front ends of Jupyter; `url` is where the board shows the table. */
export function panelForms(url: string): Record<string, string> {
  const address = new URL(url);
  address.searchParams.set("embed", "");
  const src = address.href.replace(/&/g, "&amp;").replace(/"/g, "&quot;");
  const style = "width: 100%; height: 480px; border: 1px solid #80808040; border-radius: 8px";
  return { "text/html": `<iframe src="${src}" title="StreamTable" style="${style}"></iframe>`, "text/plain": url };
}
