// What a page can do at the least for a row to outlive it: a put into IndexedDB in a transaction of its own, which nobody
// reads or sends.

let db;
let key = 0;

export function start() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("rows", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("rows");
    request.onsuccess = () => {
      db = request.result;
      resolve();
    };
    request.onerror = () => reject(request.error);
  });
}

export function log(row) {
  const tx = db.transaction("rows", "readwrite", { durability: "relaxed" });
  tx.objectStore("rows").put(JSON.stringify(row), key++);
  tx.commit();
}
