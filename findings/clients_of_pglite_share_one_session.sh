#!/usr/bin/env bash
# All clients of a PGlite server share one session: a setting of one is the setting of all, also after it has left.
#
# Versions: @electric-sql/pglite 0.5.14, which is PostgreSQL 18, @electric-sql/pglite-socket 0.2.17, pg 8.23.1 (from npm).
# Behaviour: the server takes several connections and lets a transaction of one finish before another's statement runs, so
#   that transactions are kept apart as usual. Everything that belongs to a session is not: settings, the role, temporary
#   tables, the backend's process id. A test that sets a user for its session and checks in a second connection that
#   nobody is set there fails here and passes on PostgreSQL; SET LOCAL behaves as there.
# Seen, in a second connection:
#   while the first has a transaction with SET LOCAL    waits, then an empty setting
#   after the first ran SET                             the setting
#   a third, after the first was closed                 the setting
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

npm install --silent --no-audit --no-fund --prefix "$folder" \
    @electric-sql/pglite@0.5.14 @electric-sql/pglite-socket@0.2.17 pg@8.23.1 >/dev/null
cat >"$folder/run.js" <<'JAVASCRIPT'
const { PGlite } = require("@electric-sql/pglite");
const { PGLiteSocketServer } = require("@electric-sql/pglite-socket");
const { Client } = require("pg");

(async () => {
  const db = await PGlite.create();
  const server = new PGLiteSocketServer({ db, host: "127.0.0.1", port: 0, maxConnections: 3 });
  await server.start();
  const port = Number(server.getServerConn().split(":").pop());
  const connect = async () => {
    const client = new Client({ host: "127.0.0.1", port, user: "postgres", database: "postgres" });
    await client.connect();
    return client;
  };
  const setting = async (client) => {
    const result = await client.query("SELECT coalesce(current_setting('app.user_id', true), '') AS value");
    return `'${result.rows[0].value}'`;
  };

  const [first, second] = [await connect(), await connect()];
  await first.query("BEGIN; SET LOCAL app.user_id = 'ann'");
  let ended = false;
  const waiting = setting(second).then((value) => `${ended ? "waits" : "at once"}, ${value}`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  ended = true;
  await first.query("COMMIT");
  console.log("SET LOCAL:", await waiting);
  await first.query("SET app.user_id = 'ann'");
  console.log("SET:", await setting(second));
  await first.end();
  const third = await connect();
  console.log("after:", await setting(third));

  await second.end();
  await third.end();
  await server.stop();
  await db.close();
})();
JAVASCRIPT
seen=$(timeout 60 node "$folder/run.js")
echo "$seen"

[ "$seen" = "SET LOCAL: waits, ''
SET: 'ann'
after: 'ann'" ]
