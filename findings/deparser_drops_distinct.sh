#!/usr/bin/env bash
# pgsql-deparser writes GROUP BY DISTINCT without DISTINCT and COMMIT AND CHAIN without CHAIN, from a tree that has both.
#
# Versions: pgsql-parser 18.2.8, pgsql-deparser 18.3.8 and @electric-sql/pglite 0.5.14, which is PostgreSQL 18 (from npm).
# Behaviour: the parser is PostgreSQL's own and its tree is whole. The deparser of the same project writes SQL from it
#   that parses, runs, and means something else. Groups that DISTINCT would have merged come back twice. After COMMIT alone
#   no transaction is open, so that a SET LOCAL that follows has no effect. No error is raised.
# Seen:
#   GROUP BY DISTINCT ROLLUP (a), CUBE (a)    3 rows before, 7 rows after
#   COMMIT AND CHAIN                          COMMIT
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

npm install --silent --no-audit --no-fund --prefix "$folder" \
    pgsql-parser@18.2.8 pgsql-deparser@18.3.8 @electric-sql/pglite@0.5.14 >/dev/null
cat >"$folder/run.js" <<'JAVASCRIPT'
const { parse } = require("pgsql-parser");
const { deparse } = require("pgsql-deparser");
const { PGlite } = require("@electric-sql/pglite");

(async () => {
  const again = async (statement) => deparse(await parse(statement));
  const database = await PGlite.create();
  const grouped = "SELECT a FROM (VALUES (1), (2)) v (a) GROUP BY DISTINCT ROLLUP (a), CUBE (a)";
  for (const statement of [grouped, await again(grouped)]) {
    console.log("rows:", (await database.query(statement)).rows.length);
  }
  console.log(await again("COMMIT AND CHAIN"));
  await database.close();
})();
JAVASCRIPT
seen=$(node "$folder/run.js")
echo "$seen"

[ "$seen" = 'rows: 3
rows: 7
COMMIT' ]
