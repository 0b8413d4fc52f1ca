#!/usr/bin/env bash
# sqlglot's postgres dialect reads 1_000 as the number 1 with the alias _000, and a precision as seconds to add.
#
# Versions: sqlglot 30.30.0 (from PyPI); @electric-sql/pglite 0.5.14, which is PostgreSQL 18 (from npm).
# Behaviour: since PostgreSQL 16 numbers may have underscores and may be hexadecimal or octal. sqlglot ends the number at the
#   first character that it does not expect and takes the rest for an alias, without AS as SQL allows it. `interval(3) '…'`,
#   an interval rounded to milliseconds, becomes the sum of two intervals. The statement that it writes for the same
#   dialect is valid and has other values; neither a warning nor an error is raised.
# Seen, the value of a column in PostgreSQL, before and after sqlglot:
#   1_000                          1000        1
#   0o17                           15          0
#   interval(3) '1.23456 s'        1.235 s     4.23456 s
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --root-user-action=ignore \
    --target "$folder/python" sqlglot==30.30.0
npm install --silent --no-audit --no-fund --prefix "$folder" @electric-sql/pglite@0.5.14 >/dev/null

# Prints the value that PostgreSQL has for each statement of its input.
cat >"$folder/run.js" <<'JAVASCRIPT'
const { PGlite } = require("@electric-sql/pglite");
const statements = require("fs").readFileSync(0, "utf8").trim().split("\n");

(async () => {
  const database = await PGlite.create();
  for (const statement of statements) {
    const result = await database.query(statement, [], { rowMode: "array", parsers: { 1186: (text) => text } });
    console.log(result.rows[0][0]);
  }
  await database.close();
})();
JAVASCRIPT
statements="SELECT 1_000
SELECT 0o17
SELECT interval(3) '1.23456 s'"
rewritten=$(
    PYTHONPATH=$folder/python python3 - "$statements" <<'PYTHON'
import sys, sqlglot
for statement in sys.argv[1].splitlines():
    print(sqlglot.transpile(statement, read="postgres", write="postgres")[0])
PYTHON
)
seen=$(paste -d ' ' <(node "$folder/run.js" <<<"$statements") <(node "$folder/run.js" <<<"$rewritten"))
printf '%s\n' "$rewritten" "$seen"

[ "$seen" = '1000 1
15 0
00:00:01.235 00:00:04.23456' ]
