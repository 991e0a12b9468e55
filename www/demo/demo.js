// Joins the page's parts: two tables, the form, the replay and the status.

import { StreamTable } from "./generated/streamtable/index.js";
import { startFeedback } from "./feedback.js";
import { startReplay } from "./replay.js";
import { findServer } from "./server.js";
import { followStatus } from "./status.js";

const server = await findServer();
const feedback = new StreamTable("feedback", { project: "demo", server });
const orders = new StreamTable("superstore", { project: "demo", server });

for (const element of document.querySelectorAll("[data-without-server]")) element.hidden = server !== null;
followStatus([feedback, orders]);
startFeedback(feedback);
startReplay(orders);
