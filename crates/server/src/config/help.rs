//! What `--help` tells besides the flags.

pub(super) const ABOUT: &str = "\
Keeps every row of StreamTable and serves the live tail, queries, export and import, and the built board.

A row is acknowledged when it would survive a power cut. Everything is in one folder, which one server holds at a time. \
Until there is a key, made by `streamtable-server key create`, whoever reaches the address may read and write everything, so the \
server keeps to this machine unless it is told otherwise. From the first key on each request needs one.";

pub(super) const AFTER: &str = "\
Each flag can also be given as the environment variable beside it, or in the file that --config names. A flag holds before the
variable, the variable before the file, the file before what holds otherwise.

Examples:
  streamtable-server
      on this machine, port 7700, rows in ./data, the board from ./dist
  streamtable-server key create --entity acme --right write --origin https://app.example
      a key for the pages of that origin, which may append to the tables of acme and do nothing else
  streamtable-server key create --entity acme --project vision --right read --board https://tables.example
      a key to read, with a link that opens the board with it
  streamtable-server --data /var/lib/streamtable --board /usr/share/streamtable --listen 0.0.0.0:7700
      for others, who need a key
  streamtable-server --config /etc/streamtable.toml --log-format json --metrics-listen 127.0.0.1:9100
      as a service: settings in a file, a log for programs, figures on a port of their own
  curl 'http://127.0.0.1:7700/api/v1/tables/e/p/t/rows?format=parquet' -o t.parquet
      a whole table as a file
  curl -H 'Content-Type: text/csv' --data-binary @t.csv 'http://127.0.0.1:7700/api/v1/tables/e/p/t/import'
      a file into a table

Files:
  <data>/streamtable.db     the rows; with -wal and -shm beside it while the server runs
  <data>/keys.db            the keys' hashes, and what they allow
  <data>/streamtable.lock   keeps a second server out
  FILE of --config          TOML, such as:
                                listen = \"127.0.0.1:7700\"
                                data = \"/var/lib/streamtable\"
                                max-columns = 1000

Signals:
  SIGTERM and Ctrl-C stop the server: it takes no new connection, finishes what it took, and closes the tails.

Exit status:
  0 after it was told to stop, 1 when it could not start, 2 when a flag is not understood.";
