// A page made on the server, which may import the package and make a table; its button is the browser's.

import { StreamTable } from "streamtable";

import { Logger } from "./logger";

export default function Page() {
  return (
    <main>
      <p>{new StreamTable("project/made-on-the-server").name}</p>
      <Logger />
    </main>
  );
}
