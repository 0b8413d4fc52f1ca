#!/usr/bin/env bash
# pg_repack leaves a table with forced row security empty if the table's owner runs it, and reports success.
#
# Versions: pg_repack 1.5.2 with PostgreSQL 17.12 (Debian 13); 1.5.3 with 18.6 (Debian sid) does the same.
# Behaviour: pg_repack fills a new table by `INSERT INTO … SELECT … FROM ONLY` the old one, and swaps their files. Its option
#   --no-superuser-check is for managed servers, where nobody is a superuser. Forced row security holds for the owner too,
#   so that SELECT gives the rows that the policy shows the owner, and the swap drops all others. The policies stay. pg_dump
#   turns row_security off, so that the server refuses what a policy would hide; pg_repack does not. A superuser's run,
#   and one of an owner with ENABLE alone, keep all rows.
# Seen, for a table of 1000 rows whose policy shows its owner none without a setting; the exit status, and what is left:
#   owner, enabled         0, 1000 rows
#   superuser, forced      0, 1000 rows
#   owner, forced          0, 0 rows
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

unpack postgresql-17-repack=1.5.2-1
bin=$folder/files/usr/lib/postgresql/17/bin
chmod -R a+rX "$folder"
if [ "$(id -u)" = 0 ]; then chown nobody "$folder"; fi
"${as_user[@]}" "$bin/initdb" -D "$folder/data" -U postgres -A trust --no-sync >/dev/null 2>&1
# No port; the folder holds the socket.
"${as_user[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
    -o "-c listen_addresses= -c unix_socket_directories=$folder -c fsync=off" start >/dev/null
ask() { "$bin/psql" -h "$folder" -X -q -At -v ON_ERROR_STOP=1 "$@"; }

ask -U postgres -d postgres <<'SQL'
CREATE EXTENSION pg_repack;
CREATE ROLE keeper LOGIN;
GRANT ALL ON SCHEMA repack, public TO keeper;
GRANT ALL ON ALL TABLES IN SCHEMA repack TO keeper;
SET ROLE keeper;
CREATE TABLE note (id int PRIMARY KEY, owner_id int);
INSERT INTO note SELECT n, n % 10 FROM generate_series(1, 1000) n;
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::int));
SQL

# Repacks as this role, and prints the status and what is left.
repacked() {
    local status=0
    "$bin/pg_repack" -h "$folder" -U "$1" -d postgres -t note --no-superuser-check >"$folder/repack.log" 2>&1 || status=$?
    echo "$2: $status, $(ask -U postgres -d postgres -c 'SELECT count(*) FROM note') rows"
}

seen=$(
    repacked keeper "owner, enabled"
    ask -U keeper -d postgres -c "ALTER TABLE note FORCE ROW LEVEL SECURITY"
    repacked postgres "superuser, forced"
    repacked keeper "owner, forced"
)
echo "$seen"

[ "$seen" = "owner, enabled: 0, 1000 rows
superuser, forced: 0, 1000 rows
owner, forced: 0, 0 rows" ]
