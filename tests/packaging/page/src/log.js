// Logs to the table and server that the page's address names, and says in its title when everything is stored.

/** Logs with a class of the package, to the table that the address `href` names; gives how many rows were stored. */
export async function log(StreamTable, href) {
  const query = new URL(href).searchParams;
  const st = new StreamTable(query.get("table"), { server: query.get("server") });
  st.log({ n: 0, text: "from a page", when: new Date(0) });
  st.log([{ n: 1 }, { n: 2, image: new Blob(["x"], { type: "image/png" }) }]);
  await st.finish();
  return st.status.acknowledged;
}

/** Shows in the title what comes of it. */
export function show(stored) {
  stored.then(
    (n) => (document.title = `stored ${n}`),
    (error) => (document.title = error.code ?? String(error)),
  );
}
