#!/usr/bin/env bash
# pgFormatter changes the text of string constants, once an apostrophe stands between $$ and $$ before them.
#
# Versions: pgFormatter 5.5 (Debian bookworm's pgformatter 5.5-1).
# Behaviour: the formatter leaves strings in quotes alone. In a string between $$ and $$ it takes an apostrophe for the
#   beginning of a string in quotes. From there on inside and outside are exchanged: the constants that follow in the
#   statement are formatted as if they were code. Runs of spaces and line ends become one space, and the strings get
#   a space at an end. The result is valid SQL that inserts other data; the exit status is 0. The operator
#   `^@`, starts with, is split in two as well, into a power and an absolute value.
# Seen:
#   VALUES ($$the user's$$, 'two  spaces')    VALUES ($$ the user's$$, 'two spaces ')
#   VALUES ('the user''s', 'two  spaces')     unchanged
#   SELECT path ^@ '/home'                    SELECT path ^ @ '/home'
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod a+rwx "$folder"

(cd "$folder" && apt-get download --quiet=2 pgformatter=5.5-1 >/dev/null && dpkg-deb -x pgformatter_*.deb .)

# Formats a statement, and prints it on one line as the formatter left it otherwise.
formatted() {
    perl -I"$folder/usr/share/perl5" "$folder/usr/bin/pg_format" - <<<"$1" | sed 's/^ *//' | paste -sd ' ' | sed 's/ *$//'
}

dollars=$(formatted "INSERT INTO note VALUES (\$\$the user's\$\$, 'two  spaces');")
quotes=$(formatted "INSERT INTO note VALUES ('the user''s', 'two  spaces');")
operator=$(formatted "SELECT path ^@ '/home' FROM file;")
printf '%s\n' "$dollars" "$quotes" "$operator"

[ "$dollars" = "INSERT INTO note VALUES (\$\$ the user's\$\$, 'two spaces ');" ]
[ "$quotes" = "INSERT INTO note VALUES ('the user''s', 'two  spaces');" ]
[ "$operator" = "SELECT path ^ @ '/home' FROM file;" ]
