#!/usr/bin/env bash
# After pgDump of PGlite's tools the database takes no INSERT: the dump's read-only transaction is still open.
#
# Versions: @electric-sql/pglite-tools 0.4.8 with @electric-sql/pglite 0.5.8, which is PostgreSQL 18 (from npm).
# Behaviour: pg_dump begins a read-only transaction, turns row_security off and empties the search path. It ends none of that,
#   since elsewhere its session ends with it. PGlite has one session, which is the program's, and pgDump returns with all of
#   it in place. The program's next statement is part of that transaction. After a COMMIT of the program's own, tables of
#   the public schema need their schema's name, and each query under a policy is refused. The package's page warns of
#   prepared statements alone.
# Seen, after pgDump:
#   INSERT of the program           cannot execute INSERT in a read-only transaction
#   after ROLLBACK                  relation "note" does not exist
#   row_security                    off
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

npm install --silent --no-audit --no-fund --prefix "$folder" \
    @electric-sql/pglite-tools@0.4.8 @electric-sql/pglite@0.5.8 >/dev/null
cat >"$folder/run.mjs" <<'JAVASCRIPT'
import { PGlite } from "@electric-sql/pglite";
import { pgDump } from "@electric-sql/pglite-tools/pg_dump";

const database = await PGlite.create();
const insert = () =>
  database.query("INSERT INTO note VALUES (1)").then(
    () => "inserted",
    (error) => error.message,
  );
await database.exec("CREATE TABLE note (id int)");
console.log("before:", await insert());
await pgDump({ pg: database });
console.log("after:", await insert());
await database.exec("ROLLBACK");
console.log("after ROLLBACK:", await insert());
const { rows } = await database.query("SHOW row_security");
console.log("row_security:", rows[0].row_security);
await database.close();
JAVASCRIPT
seen=$(cd "$folder" && node run.mjs)
echo "$seen"

[ "$seen" = 'before: inserted
after: cannot execute INSERT in a read-only transaction
after ROLLBACK: relation "note" does not exist
row_security: off' ]
