// The entry `streamtable/panel`: registers `<stream-table>`. On a server, where there are no elements, it does nothing.

import { StreamTablePanel } from "./element.js";

export { StreamTableError } from "../errors.js";
export { type PanelTable, type PanelTheme, StreamTablePanel, type StreamTablePanelEvents } from "./element.js";

const TAG = "stream-table";

// Two copies of the package on one page share the first one's element.
if (typeof customElements !== "undefined" && !customElements.get(TAG)) customElements.define(TAG, StreamTablePanel);

declare global {
  interface HTMLElementTagNameMap {
    "stream-table": StreamTablePanel;
  }
}
