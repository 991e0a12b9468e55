// A page with a panel of the table and server that its address names.

import "streamtable/panel";

const query = new URL(location.href).searchParams;
const panel = document.createElement("stream-table");
panel.name = query.get("table")!;
panel.server = query.get("server")!;
panel.addEventListener("expressionchange", ({ detail }) => console.log(detail.expression.length));
panel.addEventListener("error", ({ message }) => console.log(message));
document.body.append(panel);
