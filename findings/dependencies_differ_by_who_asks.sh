#!/usr/bin/env bash
# plpgsql_check lists more tables of a function if a role under row security asks: also those that the policies read.
#
# Versions: plpgsql_check 2.8.1 with PostgreSQL 17.12 (Debian 13); 2.10.15 with 18.6 (Debian sid) does the same.
# Behaviour: plpgsql_show_dependency_tb plans the statements of a function and lists the relations in the plans' queries. Those
#   were rewritten for the role that asks, with the policies that hold for it in them. So the list is not one of the
#   function, as of its text: it has a table that no line of the function names if a policy reads it, and lacks it for
#   a superuser, for whom no policy holds. A tool that keeps such lists, to find what a change of a table reaches, gets other
#   lists in a migration than in an application. The page of plpgsql_check does not speak of policies.
# Seen, for a function that reads note, whose policy reads member:
#   superuser    note
#   app          member note
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

unpack postgresql-17-plpgsql-check=2.8.1-1
bin=$folder/files/usr/lib/postgresql/17/bin
chmod -R a+rX "$folder"
if [ "$(id -u)" = 0 ]; then chown nobody "$folder"; fi
"${as_user[@]}" "$bin/initdb" -D "$folder/data" -U postgres -A trust --no-sync >/dev/null 2>&1
# No port; the folder holds the socket.
"${as_user[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
    -o "-c listen_addresses= -c unix_socket_directories=$folder -c fsync=off" start >/dev/null
ask() { "$bin/psql" -h "$folder" -X -q -At -v ON_ERROR_STOP=1 "$@"; }

ask -U postgres -d postgres <<'SQL'
CREATE EXTENSION plpgsql_check;
CREATE ROLE app LOGIN;
CREATE TABLE member (note_id int, user_id int);
CREATE TABLE note (id int);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY members ON note USING (id IN (SELECT note_id FROM member));
GRANT SELECT ON note, member TO app;
CREATE FUNCTION notes() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM note); END';
SQL

seen=$(
    for role in postgres app; do
        echo "$role:" "$(ask -U "$role" -d postgres -c "SELECT string_agg(name, ' ' ORDER BY name)
            FROM plpgsql_show_dependency_tb('notes()') WHERE type = 'RELATION'")"
    done
)
echo "$seen"

[ "$seen" = "postgres: note
app: member note" ]
