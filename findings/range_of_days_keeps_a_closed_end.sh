#!/usr/bin/env bash
# A range of days up to and with infinity keeps its closed end, and equals no range that ends at infinity otherwise.
#
# Versions: @electric-sql/pglite 0.5.14, which is PostgreSQL 18 (from npm).
# Behaviour: the server brings each range of days into one form, closed below and open above, so that ranges of the same days
#   are equal and programs need to read one form only. To open an upper end it takes the next day. The day infinity
#   has none, and is left as it is, with its bracket. `[2026-01-01,infinity]` and `[2026-01-01,infinity)` differ by the day
#   infinity, which a program that reads both as "from then on" does not expect: they are not equal, and a unique
#   index takes both. The manual says that the built-in ranges have that one form. A range of integers raises an error there.
# Seen:
#   [2026-01-01,2026-01-31]     [2026-01-01,2026-02-01)
#   [2026-01-01,infinity]       [2026-01-01,infinity]
#   (2026-01-01,infinity]       [2026-01-02,infinity]
#   equal to [2026-01-01,infinity): false
#   int4range '[1,2147483647]'  integer out of range
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

npm install --silent --no-audit --no-fund --prefix "$folder" @electric-sql/pglite@0.5.14 >/dev/null
cat >"$folder/run.js" <<'JAVASCRIPT'
const { PGlite } = require("@electric-sql/pglite");

(async () => {
  const database = await PGlite.create();
  for (const value of [
    "daterange '[2026-01-01,2026-01-31]'",
    "daterange '[2026-01-01,infinity]'",
    "daterange '(2026-01-01,infinity]'",
    "daterange '[2026-01-01,infinity]' = daterange '[2026-01-01,infinity)'",
    "int4range '[1,2147483647]'",
  ]) {
    const result = await database.query(`SELECT (${value})::text AS value`).then(
      ({ rows }) => rows[0].value,
      (error) => error.message,
    );
    console.log(`${value}: ${result}`);
  }
  await database.close();
})();
JAVASCRIPT
seen=$(node "$folder/run.js")
echo "$seen"

[ "$seen" = "daterange '[2026-01-01,2026-01-31]': [2026-01-01,2026-02-01)
daterange '[2026-01-01,infinity]': [2026-01-01,infinity]
daterange '(2026-01-01,infinity]': [2026-01-02,infinity]
daterange '[2026-01-01,infinity]' = daterange '[2026-01-01,infinity)': false
int4range '[1,2147483647]': integer out of range" ]
