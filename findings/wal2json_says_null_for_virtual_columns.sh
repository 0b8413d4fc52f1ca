#!/usr/bin/env bash
# wal2json and test_decoding say null for a virtual generated column, new in PostgreSQL 18 and the kind it makes by default.
#
# Versions: PostgreSQL 18.6 and wal2json 2.7 (Debian sid's postgresql-18 18.6-3 and postgresql-18-wal2json 2.7-1, with the
#   libraries of sid). The archive keeps only the newest, so the script takes the versions it has.
# Behaviour: the value of a virtual column is computed when it is read, and is neither in the row nor in its log. Up to 17 a
#   generated column was always stored, and both plugins sent it with the others, so what reads them relies on it. 18 makes
#   a virtual one unless STORED is said, and both plugins then send the column with the value null, which is not what a
#   SELECT gives, instead of leaving it out as pgoutput does. A NOT NULL column is null there, too.
# Seen, for n = 2 and a column of n * 2:
#   SELECT                   stored 4, virtual 4
#   wal2json                 stored 4, virtual null
#   test_decoding            stored 4, virtual null
set -euo pipefail

folder=$(mktemp -d)
chmod a+rx "$folder"
# The server refuses to run as root.
as_user=()
if [ "$(id -u)" = 0 ]; then as_user=(runuser -u nobody --); fi

# Stops the servers by the process ids in their folders.
finish() {
    local data version
    for data in "$folder"/data/*; do
        if [ -f "$data/postmaster.pid" ]; then
            version=$(cat "$data/PG_VERSION")
            "${as_user[@]}" "$folder/$version/bin/pg_ctl" -D "$data" -m immediate stop >/dev/null
        fi
    done
    rm -rf "$folder"
}
trap finish EXIT

# unpack VERSION SUITE PACKAGE…: fetches these packages of a Debian suite, checked by apt, with all that they need. Nothing is
# installed: the programs become scripts in FOLDER/VERSION/bin, which call the loader of their own libc.
unpack() {
    local home=$folder/$1 version=$1 suite=$2 mirror package program loader
    shift 2
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | awk '!/security/ { uri = $0 } END { print uri }')
    mkdir -p "$home"/{lists/partial,archives/partial,none,files,bin}
    # apt thinks of a machine on which nothing is installed.
    : >"$home/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$home/sources.list"
    printf '%s;\n' "Dir::State \"$home\"" "Dir::State::Lists \"$home/lists\"" "Dir::State::status \"$home/status\"" \
        "Dir::Cache \"$home\"" "Dir::Cache::archives \"$home/archives\"" "Dir::Etc::sourcelist \"$home/sources.list\"" \
        "Dir::Etc::sourceparts \"$home/none\"" "Dir::Etc::preferences \"$home/none/preferences\"" \
        "Dir::Etc::preferencesparts \"$home/none\"" 'APT::Install-Recommends "false"' 'APT::Sandbox::User "root"' \
        >"$home/apt.conf"
    APT_CONFIG=$home/apt.conf apt-get -qq update
    APT_CONFIG=$home/apt.conf apt-get -qq --yes --download-only install "$@" >/dev/null
    for package in "$home"/archives/*.deb; do dpkg-deb --extract "$package" "$home/files"; done
    rm -rf "$home/archives" "$home/lists"
    loader=$(find "$home/files" -name ld-linux-x86-64.so.2 -print -quit)
    for program in "$home/files/usr/lib/postgresql/$version/bin"/*; do
        if [ -L "$program" ]; then continue; fi
        mv "$program" "$program.elf"
        printf '#!/bin/sh\nexec "%s" --argv0 "$0" --library-path "%s" "$0.elf" "$@"\n' "$loader" \
            "$home/files/usr/lib/x86_64-linux-gnu" >"$program"
        chmod a+rx "$program"
    done
    rmdir "$home/bin"
    ln -s "$home/files/usr/lib/postgresql/$version/bin" "$home/bin"
    chmod -R a+rX "$home"
}

# serve VERSION [OPTIONS]: starts a server. It has no port; its folder holds the socket.
serve() {
    local version=$1 data=$folder/data/$1
    mkdir -p "$folder/data" "$folder/socket/$version"
    if [ "$(id -u)" = 0 ]; then chown nobody "$folder/data" "$folder/socket/$version"; fi
    "${as_user[@]}" "$folder/$version/bin/initdb" -D "$data" -U postgres -A trust --no-sync -k --locale=C >/dev/null 2>&1
    "${as_user[@]}" "$folder/$version/bin/pg_ctl" -D "$data" -w -l "$folder/data/$version.log" \
        -o "-c listen_addresses= -c unix_socket_directories=$folder/socket/$version -c fsync=off ${2:-}" start >/dev/null
}

# sql VERSION STATEMENT…: as the superuser.
sql() {
    local version=$1 statement
    shift
    for statement; do
        "$folder/$version/bin/psql" -X -q -At -v ON_ERROR_STOP=1 -h "$folder/socket/$version" -U postgres -d postgres \
            -c "$statement"
    done
}

unpack 18 sid postgresql-18-wal2json postgresql-18
"$folder/18/bin/postgres" --version
serve 18 "-c wal_level=logical -c output_plugin_libraries=wal2json,test_decoding"

sql 18 "CREATE TABLE t (id int PRIMARY KEY, n int, stored int GENERATED ALWAYS AS (n * 2) STORED,
    virtual int NOT NULL GENERATED ALWAYS AS (n * 2))"
for plugin in wal2json test_decoding; do
    sql 18 "SELECT FROM pg_create_logical_replication_slot('$plugin', '$plugin')" >/dev/null
done
sql 18 'INSERT INTO t VALUES (1, 2)'
selected=$(sql 18 "SELECT 'stored ' || stored || ', virtual ' || virtual FROM t")
json=$(sql 18 "SELECT string_agg((c ->> 'name') || ' ' || (c ->> 'value')::text, ', ') FILTER (WHERE c ->> 'value' IS NOT NULL)
    || ', ' || string_agg((c ->> 'name') || ' null', ', ') FILTER (WHERE c ->> 'value' IS NULL)
    FROM pg_logical_slot_get_changes('wal2json', NULL, NULL, 'format-version', '2') AS change,
        jsonb_array_elements(data::jsonb -> 'columns') AS c
    WHERE data::jsonb ->> 'action' = 'I' AND c ->> 'name' ~ 'stored|virtual'")
text=$(sql 18 "SELECT regexp_replace(data, '.*stored\[integer\]:(\S+) virtual\[integer\]:(\S+)', 'stored \1, virtual \2')
    FROM pg_logical_slot_get_changes('test_decoding', NULL, NULL) WHERE data LIKE '%INSERT%'")
echo "SELECT: $selected"
echo "wal2json: $json"
echo "test_decoding: $text"

[ "$selected" = 'stored 4, virtual 4' ]
[ "$json" = 'stored 4, virtual null' ]
[ "$text" = 'stored 4, virtual null' ]
