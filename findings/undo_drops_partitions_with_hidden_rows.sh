#!/usr/bin/env bash
# pg_partman's undo_partition drops partitions with all their rows if their owner does not see the rows, without an error.
#
# Versions: pg_partman 5.2.4 with PostgreSQL 17.12 (Debian 13); 5.5.0 with 18.6 (Debian sid) does the same.
# Behaviour: undo_partition moves the rows of each partition to another table, and removes a partition when it has moved its
#   last row. With p_keep_table => false, to remove is to drop. It learns that no row is left by `SELECT min(…)`. If row
#   security is forced on the partitions, their policies hold for the owner's SELECT too, and a partition with hidden rows
#   is an empty one. The notice says that 0 rows were moved. By default a partition is only detached, with its rows.
# Seen, for a table in partitions of 50 with 100 rows, and the tables of partitions that are left:
#   owner, partitions enabled    100 rows in the target, 0 tables left
#   owner, partitions forced     0 rows in the target, 0 tables left, no error
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

unpack postgresql-17-partman=5.2.4-1
bin=$folder/files/usr/lib/postgresql/17/bin
chmod -R a+rX "$folder"
if [ "$(id -u)" = 0 ]; then chown nobody "$folder"; fi
"${as_user[@]}" "$bin/initdb" -D "$folder/data" -U postgres -A trust --no-sync >/dev/null 2>&1
# No port; the folder holds the socket.
"${as_user[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
    -o "-c listen_addresses= -c unix_socket_directories=$folder -c fsync=off" start >/dev/null
ask() { "$bin/psql" -h "$folder" -X -q -At -v ON_ERROR_STOP=1 "$@"; }

ask -U postgres -d postgres <<'SQL'
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE ROLE keeper LOGIN;
GRANT ALL ON SCHEMA partman, public TO keeper;
GRANT ALL ON ALL TABLES IN SCHEMA partman TO keeper;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA partman TO keeper;
SQL

# Undoes partitions with row security in this state, as their owner, and prints what is left.
undone() {
    ask -U keeper -d postgres <<SQL
SET client_min_messages = warning;
DROP TABLE IF EXISTS $1_event, $1_target;
CREATE TABLE $1_event (id int NOT NULL, owner_id int NOT NULL) PARTITION BY RANGE (id);
SELECT partman.create_parent('public.$1_event', 'id', '50', p_premake := 3, p_start_partition := '0') \g /dev/null
INSERT INTO $1_event SELECT n, n % 10 FROM generate_series(0, 99) n;
CREATE TABLE $1_target (LIKE $1_event);
DO \$\$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = '$1_event'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE %s $2', part);
        EXECUTE format('CREATE POLICY own ON %s
            USING (owner_id = (SELECT NULLIF(current_setting(''app.user_id'', true), '''')::int))', part);
    END LOOP;
END \$\$;
SELECT partman.undo_partition('public.$1_event', 'public.$1_target', p_loop_count := 100, p_keep_table := false) \g /dev/null
SELECT '$1: ' || (SELECT count(*) FROM $1_target) || ' rows in the target, '
    || (SELECT count(*) FROM pg_class WHERE relname LIKE '$1\_event\_%' AND relkind = 'r') || ' tables left';
SQL
}

seen=$(
    undone enabled "NO FORCE ROW LEVEL SECURITY"
    undone forced "FORCE ROW LEVEL SECURITY"
)
echo "$seen"

[ "$seen" = "enabled: 100 rows in the target, 0 tables left
forced: 0 rows in the target, 0 tables left" ]
