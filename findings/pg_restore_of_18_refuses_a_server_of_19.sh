#!/usr/bin/env bash
# pg_restore of 18.6 refuses a server of 19; that of 17.12 restores the same archive there.
#
# Versions: PostgreSQL 17.12, 18.6 and 19~rc1 (Debian trixie's postgresql-client-17 17.12-0+deb13u1, sid's postgresql-18
#   18.6-3, experimental's postgresql-19 19~rc1-1 with the libraries of sid). The archive keeps only the newest, so the
#   script takes the versions it has.
# Behaviour: pg_dump refuses a server that is newer than itself, as its manual says. pg_restore did not: an archive is SQL,
#   which the newer server reads, and its manual names no limit. That of 18.6 compares the versions as pg_dump does, before
#   it restores anything. That of 17.12 reads the archive that 18.6 made and restores it into 19, and so do those of 15.18 and 17.12
#   an archive of their own. The script that 18.6's pg_restore writes to a file is accepted by 19, sent by the psql of 18.6.
# Seen, with one archive of 18.6's pg_dump, into 19~rc1:
#   pg_restore 17.12             1 row
#   pg_restore 18.6              aborting because of server version mismatch
#   pg_restore 18.6 | psql       1 row
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

# unpack VERSION SUITES PACKAGE…: fetches these packages of Debian, checked by apt, with all that they need; of 19 these alone,
# since what else they ask for is not always there in a version that fits. Nothing is
# installed: the programs become scripts in FOLDER/VERSION/bin, which call the loader of their own libc.
unpack() {
    local home=$folder/$1 version=$1 suites=$2 mirror package program loader
    shift 2
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | awk '!/security/ { uri = $0 } END { print uri }')
    mkdir -p "$home"/{lists/partial,archives/partial,none,files,bin}
    # apt thinks of a machine on which nothing is installed.
    : >"$home/status"
    printf "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror %s main\n" $suites >"$home/sources.list"
    printf '%s;\n' "Dir::State \"$home\"" "Dir::State::Lists \"$home/lists\"" "Dir::State::status \"$home/status\"" \
        "Dir::Cache \"$home\"" "Dir::Cache::archives \"$home/archives\"" "Dir::Etc::sourcelist \"$home/sources.list\"" \
        "Dir::Etc::sourceparts \"$home/none\"" "Dir::Etc::preferences \"$home/none/preferences\"" \
        "Dir::Etc::preferencesparts \"$home/none\"" 'APT::Install-Recommends "false"' 'APT::Sandbox::User "root"' \
        >"$home/apt.conf"
    APT_CONFIG=$home/apt.conf apt-get -qq update
    if [ "$version" = 19 ]; then
        (cd "$home/archives" && APT_CONFIG=$home/apt.conf apt-get -qq download "$@")
    else
        APT_CONFIG=$home/apt.conf apt-get -qq --yes --download-only install "$@" >/dev/null
    fi
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

unpack 17 trixie postgresql-client-17
unpack 18 sid postgresql-18
unpack 19 'sid experimental' {postgresql-19,postgresql-client-19,libpq5}/experimental \
    {libaudit1,libc6,libcap2,libcap-ng0,libcom-err2,libgcc-s1,libgssapi-krb5-2,libicu78,libk5crypto3}/sid \
    {libkeyutils1,libkrb5-3,libkrb5support0,libldap2,liblz4-1,libnuma1,libpam0g,libreadline8t64,libsasl2-2}/sid \
    {libssl3t64,libstdc++6,libsystemd0,libtinfo6,liburing2,libxml2-16,libxxhash0,libzstd1,zlib1g}/sid
for version in 17 18 19; do "$folder/$version/bin/pg_restore" --version; done
serve 18
serve 19

sql 18 'CREATE TABLE note (id int)' 'INSERT INTO note VALUES (1)'
"$folder/18/bin/pg_dump" -Fc -h "$folder/socket/18" -U postgres -f "$folder/archive" postgres

# restored COMMAND…: what is in 19 after a command, or what it said.
restored() {
    local said
    sql 19 'DROP TABLE IF EXISTS note' 2>/dev/null
    if said=$("$@" 2>&1 >/dev/null); then
        sql 19 "SELECT count(*) || ' row' FROM note"
    else
        sed -n '1s/.*error: //p' <<<"$said"
    fi
}
by_script() {
    "$folder/18/bin/pg_restore" -f - "$folder/archive" |
        "$folder/18/bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$folder/socket/19" -U postgres postgres
}
server=(-h "$folder/socket/19" -U postgres -d postgres)
by_17=$(restored "$folder/17/bin/pg_restore" --exit-on-error "${server[@]}" "$folder/archive")
by_18=$(restored "$folder/18/bin/pg_restore" --exit-on-error "${server[@]}" "$folder/archive")
by_psql=$(restored by_script)
echo "pg_restore 17: $by_17"
echo "pg_restore 18: $by_18"
echo "pg_restore 18 | psql: $by_psql"

[ "$by_17" = '1 row' ]
[ "$by_18" = 'aborting because of server version mismatch' ]
[ "$by_psql" = '1 row' ]
