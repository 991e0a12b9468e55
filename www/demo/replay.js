// Replays a real data set at a chosen rate.

const RATES = [10, 25, 50, 100, 250, 500, 1000, 2000, 3500, 5000];
const TICK_MILLIS = 40;

/** Lets the visitor stream the orders to `table`. */
export function startReplay(table) {
  const play = document.getElementById("play");
  const stop = document.getElementById("stop");
  const rate = document.getElementById("rate");
  const rateSaid = document.getElementById("rate-said");
  const said = document.getElementById("replay-said");
  const progress = document.getElementById("progress");
  const count = new Intl.NumberFormat("en");
  document.getElementById("replay-link").href = table.url;

  let orders = null;
  let n_sent = 0;
  let timer = null;

  rate.addEventListener("input", showRate);
  play.addEventListener("click", () => (timer === null ? start() : pause()));
  stop.addEventListener("click", reset);
  play.disabled = false;
  showRate();

  function rowsPerSecond() {
    return RATES[Number(rate.value)];
  }

  function showRate() {
    rateSaid.textContent = `${count.format(rowsPerSecond())} rows/s`;
    rate.setAttribute("aria-valuetext", rateSaid.textContent);
  }

  async function start() {
    play.disabled = true;
    try {
      orders ??= await loadOrders();
    } catch (error) {
      said.textContent = `The data set could not be loaded: ${error.message}`;
      return;
    } finally {
      play.disabled = false;
    }
    document.getElementById("n-orders").textContent = count.format(orders.length);
    if (n_sent === orders.length) n_sent = 0;
    // Rows due are counted from the clock, so that a late tick sends more and the rate holds.
    let last = performance.now();
    let due = 0;
    timer = setInterval(() => {
      const now = performance.now();
      due += ((now - last) / 1000) * rowsPerSecond();
      last = now;
      const n_now = Math.min(Math.floor(due), orders.length - n_sent);
      if (n_now === 0) return;
      table.log(orders.slice(n_sent, n_sent + n_now));
      n_sent += n_now;
      due -= n_now;
      if (n_sent === orders.length) pause();
      else show();
    }, TICK_MILLIS);
    show();
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    show();
  }

  function reset() {
    pause();
    n_sent = 0;
    show();
  }

  function show() {
    const n_orders = orders?.length ?? 0;
    const done = n_orders > 0 && n_sent === n_orders;
    progress.setAttribute("aria-valuemax", n_orders);
    progress.setAttribute("aria-valuenow", n_sent);
    progress.firstElementChild.style.width = n_orders ? `${(100 * n_sent) / n_orders}%` : "0";
    said.textContent = n_sent === 0 ? "Nothing sent yet" : `${count.format(n_sent)} of ${count.format(n_orders)} orders sent`;
    play.textContent = timer !== null ? "Pause" : done ? "Again" : n_sent > 0 ? "Go on" : "Start";
    stop.disabled = n_sent === 0 || done;
  }
}

/** The orders as rows: objects of column names and cells. */
async function loadOrders() {
  const response = await fetch("generated/orders.json");
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  const { names, times, rows } = await response.json();
  const isTime = names.map((name) => times.includes(name));
  const cell = (value, idx) => (isTime[idx] && value !== null ? new Date(value) : value);
  return rows.map((row) => Object.fromEntries(row.map((value, idx) => [names[idx], cell(value, idx)])));
}
