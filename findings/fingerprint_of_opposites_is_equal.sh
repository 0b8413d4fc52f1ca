#!/usr/bin/env bash
# The fingerprint of libpg_query is the same for READ ONLY and READ WRITE, and for functions that differ in body and options.
#
# Versions: pglast 8.8 (from PyPI), which has libpg_query of PostgreSQL 18.
# Behaviour: fingerprints are made to group statements that differ in their values alone. A value is every constant in the
#   parse tree, and the grammar makes constants of many words: the mode of a transaction, a function's body, its volatility
#   and SECURITY DEFINER. Names of roles are left out as well, so a policy or a grant for another role is no change. A tool
#   that asks by fingerprint whether a migration changed something misses these. PERMISSIVE and RESTRICTIVE differ, as
#   do commands, since the tree has them in another way.
# Seen:
#   BEGIN READ ONLY, BEGIN READ WRITE                               equal
#   two functions of one signature, other body and volatility       equal
#   CREATE POLICY … TO ann, … TO bob                                equal
#   LIMIT 1, LIMIT ALL                                              equal
#   CREATE POLICY … AS PERMISSIVE, AS RESTRICTIVE                   differ
#   CREATE POLICY … FOR SELECT, FOR UPDATE                          differ
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --root-user-action=ignore \
    --target "$folder/python" pglast==8.8

seen=$(
    PYTHONPATH=$folder/python python3 - <<'PYTHON'
from pglast.parser import fingerprint
pairs = [
    ("BEGIN {}", "READ ONLY", "READ WRITE"),
    ("CREATE FUNCTION f() RETURNS int LANGUAGE sql {}", "IMMUTABLE AS 'SELECT 1'", "VOLATILE AS 'SELECT n FROM note'"),
    ("CREATE POLICY own ON note TO {} USING (true)", "ann", "bob"),
    ("SELECT * FROM note LIMIT {}", "1", "ALL"),
    ("CREATE POLICY own ON note AS {} USING (true)", "PERMISSIVE", "RESTRICTIVE"),
    ("CREATE POLICY own ON note FOR {} USING (true)", "SELECT", "UPDATE"),
]
for statement, one, other in pairs:
    equal = fingerprint(statement.format(one)) == fingerprint(statement.format(other))
    print(f"{statement.format(one)}, {other}: {'equal' if equal else 'differ'}")
PYTHON
)
echo "$seen"

[ "$seen" = "BEGIN READ ONLY, READ WRITE: equal
CREATE FUNCTION f() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1', VOLATILE AS 'SELECT n FROM note': equal
CREATE POLICY own ON note TO ann USING (true), bob: equal
SELECT * FROM note LIMIT 1, ALL: equal
CREATE POLICY own ON note AS PERMISSIVE USING (true), RESTRICTIVE: differ
CREATE POLICY own ON note FOR SELECT USING (true), UPDATE: differ" ]
