// Shows each table's status as it changes.

/** Keeps the status table of the page true to `tables`. */
export function followStatus(tables) {
  const body = document.getElementById("status-rows");
  const trouble = document.getElementById("trouble");
  const count = new Intl.NumberFormat("en");

  for (const table of tables) {
    const cells = body.insertRow();
    cells.dataset.testid = `status-${table.name}`;
    const [name, ...numbers] = Array.from({ length: 6 }, () => cells.insertCell());
    name.textContent = table.name;
    const show = (status) => {
      const { queued, acknowledged, rejected, dropped, state } = status;
      [queued, acknowledged, rejected, dropped].forEach((n, idx) => (numbers[idx].textContent = count.format(n)));
      numbers[4].textContent = state;
    };
    table.on("status", show);
    table.on("error", (error) => {
      trouble.hidden = false;
      trouble.textContent = error.message;
    });
    table.on("ack", () => (trouble.hidden = true));
    show(table.status);
  }
}
