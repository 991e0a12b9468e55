// The same page, by require.

const { StreamTablePanel } = require("streamtable/panel");

const query = new URL(location.href).searchParams;
document.body.append(StreamTablePanel.of({ name: query.get("table"), server: query.get("server") }));
