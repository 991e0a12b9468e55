using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (
      name = "main",
      worker = (
        modules = [
          (name = "worker.js", esModule = embed "worker.js"),
          (name = "log", esModule = embed "log.js"),
          # What the package's condition `workerd` names, and what that imports.
          (name = "streamtable", esModule = embed "node_modules/streamtable/workerd.js"),
          (name = "streamtable.wasm", wasm = embed "node_modules/streamtable/streamtable.wasm"),
        ],
        compatibilityDate = "2026-01-01",
        globalOutbound = "network",
      ),
    ),
    (name = "network", network = (allow = ["local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
