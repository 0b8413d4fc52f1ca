#!/usr/bin/env bash
# TimescaleDB refuses to make a hypertable of a table with forced row security, for COPY FROM, though nothing is copied.
#
# Versions: TimescaleDB 2.19.3 with PostgreSQL 17.12 (Debian 13); 2.31.0 with 18.6 (Debian sid) does the same.
# Behaviour: create_hypertable with migrate_data reads the table's file and writes the rows into chunks, with no statement
#   that a policy could filter. Still it runs the check of COPY FROM, which refuses each role that is under the table's row
#   security. The message is that of COPY, which nobody asked for, and its advice, to use INSERT, helps nobody. An owner under
#   ENABLE alone and a superuser pass, and so does an owner if there is no row yet. So a migration that forces row security
#   before it makes the hypertable works on an empty database, and fails where there are rows.
# Seen, for a table of 100 rows:
#   owner, enabled                 100 rows in chunks
#   owner, forced                  COPY FROM not supported with row-level security
#   owner, forced, no rows yet     0 rows in chunks
#   superuser, forced              100 rows in chunks
set -euo pipefail

folder=$(mktemp -d)
# The server refuses to run as root.
as_user=()
if [ "$(id -u)" = 0 ]; then as_user=(runuser -u nobody --); fi

# Stops the server by the process id in its folder.
finish() {
    if [ -f "$folder/data/postmaster.pid" ]; then
        "${as_user[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null
    fi
    rm -rf "$folder"
}
trap finish EXIT

# Unpacks these packages of Debian 13 with all they depend on. Their programs become scripts, which call their own loader.
unpack() {
    mkdir -p "$folder"/{lists/partial,archives/partial,none,files}
    # apt thinks of a machine on which nothing is installed.
    : >"$folder/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
        "${DEBIAN_MIRROR:-http://deb.debian.org/debian} trixie main" >"$folder/sources.list"
    cat >"$folder/apt.conf" <<CONF
Dir::State "$folder";
Dir::State::Lists "$folder/lists";
Dir::State::status "$folder/status";
Dir::Cache "$folder";
Dir::Cache::archives "$folder/archives";
Dir::Etc::sourcelist "$folder/sources.list";
Dir::Etc::sourceparts "$folder/none";
Dir::Etc::preferences "$folder/none/preferences";
Dir::Etc::preferencesparts "$folder/none";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
CONF
    APT_CONFIG=$folder/apt.conf apt-get -qq update
    APT_CONFIG=$folder/apt.conf apt-get -qq --yes --download-only install "$@" >/dev/null
    local package program
    for package in "$folder"/archives/*.deb; do
        dpkg-deb --extract "$package" "$folder/files"
    done
    for program in "$folder"/files/usr/lib/postgresql/17/bin/*; do
        if [ "$(head -c 4 "$program" | tail -c 3)" != ELF ]; then continue; fi
        mv "$program" "$program.elf"
        cat >"$program" <<SCRIPT
#!/bin/sh
exec "$folder/files/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --argv0 "\$0" \\
    --library-path "$folder/files/usr/lib/x86_64-linux-gnu" "\$0.elf" "\$@"
SCRIPT
        chmod a+rx "$program"
    done
}

unpack 'postgresql-17-timescaledb=2.19.3+dfsg-1+deb13u1'
bin=$folder/files/usr/lib/postgresql/17/bin
chmod -R a+rX "$folder"
if [ "$(id -u)" = 0 ]; then chown nobody "$folder"; fi
"${as_user[@]}" "$bin/initdb" -D "$folder/data" -U postgres -A trust --no-sync >/dev/null 2>&1
# No port; the folder holds the socket.
"${as_user[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
    -o "-c listen_addresses= -c unix_socket_directories=$folder -c fsync=off -c shared_preload_libraries=timescaledb -c timescaledb.telemetry_level=off" start >/dev/null
ask() { "$bin/psql" -h "$folder" -X -q -At -v ON_ERROR_STOP=1 "$@"; }

ask -U postgres -d postgres <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION timescaledb;
CREATE ROLE keeper LOGIN;
GRANT ALL ON SCHEMA public TO keeper;
SQL

# Makes a hypertable as this role, of a table with row security in this state and this many rows, and prints the chunks' rows.
made() {
    local role=$1 force=$2 rows=$3
    ask -U keeper -d postgres <<SQL
SET client_min_messages = warning;
DROP TABLE IF EXISTS note;
CREATE TABLE note (at timestamptz NOT NULL, owner_id int);
INSERT INTO note SELECT '2026-01-01Z'::timestamptz + n * interval '1 day', n % 10 FROM generate_series(1, $rows) n;
ALTER TABLE note ENABLE ROW LEVEL SECURITY, $force ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::int));
SQL
    ask -U "$role" -d postgres -c "SELECT create_hypertable('note', by_range('at'), migrate_data => true)" 2>&1 >/dev/null |
        sed -n 's/^ERROR:  //p'
    ask -U postgres -d postgres -c "SELECT count(*) || ' rows in chunks' FROM note WHERE tableoid <> 'note'::regclass"
}

seen=$(
    echo "owner, enabled:" "$(made keeper 'NO FORCE' 100)"
    echo "owner, forced:" $(made keeper FORCE 100)
    echo "owner, forced, no rows yet:" "$(made keeper FORCE 0)"
    echo "superuser, forced:" "$(made postgres FORCE 100)"
)
echo "$seen"

[ "$seen" = "owner, enabled: 100 rows in chunks
owner, forced: COPY FROM not supported with row-level security 0 rows in chunks
owner, forced, no rows yet: 0 rows in chunks
superuser, forced: 100 rows in chunks" ]
