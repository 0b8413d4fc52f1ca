#!/usr/bin/env bash
# What pg_dump and pg_upgrade of 18.6 make of a database of 17.12 is refused by 18.6: "unrecognized parameter".
#
# Versions: PostgreSQL 17.12 and 18.6 (Debian trixie's postgresql-17 17.12-0+deb13u1 and sid's postgresql-18 18.6-3). The
#   archive keeps only the newest, so the script takes the versions it has. 19rc1 (Debian experimental) refuses it too.
# Behaviour: 17.12, a minor release, sets an option on each column of a table that it makes, `pg_attver`, which older minor
#   releases do not know, nor do those of 18 that were made before it. A pg_dump that knows it leaves it out, as
#   17.12's does. That of 18.6 writes it as any other option, which 18.6 itself refuses. pg_upgrade runs the same pg_dump
#   and fails. The usual advice, to dump with the new version's pg_dump, is what fails here; the old version's works. So
#   whoever updates 17 must not upgrade to a minor release of 18 that is older than that.
# Seen, of a plain table:
#   option of a column of 17.12       pg_attver
#   pg_dump 17.12 into 18.6           restored
#   pg_dump 18.6 into 18.6            unrecognized parameter "pg_attver"
#   pg_upgrade 18.6                   unrecognized parameter "pg_attver"
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

unpack 17 trixie postgresql-17
unpack 18 sid postgresql-18
"$folder/17/bin/postgres" --version
"$folder/18/bin/postgres" --version
serve 17
serve 18

sql 17 'CREATE TABLE note (id int)' 'INSERT INTO note VALUES (1)'
option=$(sql 17 "SELECT regexp_replace(attoptions[1], '=.*', '') FROM pg_attribute
    WHERE attrelid = 'note'::regclass AND attname = 'id'")
echo "option: $option"

# restored VERSION: what 18 says of a dump by this version's program.
restored() {
    sql 18 'DROP TABLE IF EXISTS note' 2>/dev/null
    "$folder/$1/bin/pg_dump" -h "$folder/socket/17" -U postgres postgres >"$folder/$1.sql"
    "$folder/18/bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$folder/socket/18" -U postgres -d postgres -f "$folder/$1.sql" \
        2>&1 >/dev/null | sed -n 's/.*ERROR:  //p'
    sql 18 "SELECT 'restored' FROM note" 2>/dev/null || true
}
by_old=$(restored 17)
by_new=$(restored 18)
echo "pg_dump 17: $by_old"
echo "pg_dump 18: $by_new"

for version in 17 18; do "${as_user[@]}" "$folder/$version/bin/pg_ctl" -D "$folder/data/$version" -w stop >/dev/null; done
rm -rf "$folder/data/18"
"${as_user[@]}" "$folder/18/bin/initdb" -D "$folder/data/18" -U postgres -A trust --no-sync -k --locale=C >/dev/null 2>&1
(cd "$folder/data" && "${as_user[@]}" "$folder/18/bin/pg_upgrade" -b "$folder/17/bin" -B "$folder/18/bin" -d "$folder/data/17" \
    -D "$folder/data/18" -U postgres -s "$folder/socket/18") >/dev/null && exit 1
upgraded=$(grep -rhom1 'ERROR: .*' "$folder/data/18/pg_upgrade_output.d" | sort -u)
echo "pg_upgrade: $upgraded"

[ "$option" = pg_attver ]
[ "$by_old" = restored ]
[ "$by_new" = 'unrecognized parameter "pg_attver"' ]
[ "$upgraded" = 'ERROR:  unrecognized parameter "pg_attver"' ]
