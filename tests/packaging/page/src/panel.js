// A page with a panel of the table and server that its address names.

import { StreamTablePanel } from "streamtable/panel";

const query = new URL(location.href).searchParams;
document.body.append(StreamTablePanel.of({ name: query.get("table"), server: query.get("server") }));
