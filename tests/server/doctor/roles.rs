//! Roles with more than they need, and what the server grants them.

use super::fault::{End::*, Fault, Gate::*, each_is_caught};

pub const FAULTS: &[Fault] = &[
    Fault(
        "RLS002",
        "the login is a superuser",
        "ALTER ROLE APP SUPERUSER",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS002",
        "the login has BYPASSRLS",
        "ALTER ROLE APP BYPASSRLS",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS002",
        "the login can become a superuser",
        "GRANT postgres TO APP",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS002",
        "the login can become one who has BYPASSRLS, two steps away",
        "CREATE ROLE HELPER; CREATE ROLE HELPER_far BYPASSRLS; GRANT HELPER_far TO HELPER; GRANT \
         HELPER TO APP",
        Shuts,
        RemedyThen("DROP ROLE HELPER; DROP ROLE HELPER_far"),
    ),
    Fault(
        "RLS003",
        "the login is a member of the administrator",
        "GRANT ADMIN TO APP",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS004",
        "the login may create roles",
        "ALTER ROLE APP CREATEROLE",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS004",
        "the login may replicate",
        "ALTER ROLE APP REPLICATION",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS004",
        "the login may create databases",
        "ALTER ROLE APP CREATEDB",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS004",
        "the login reads the server's files",
        "GRANT pg_read_server_files TO APP",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS004",
        "the login runs programs",
        "GRANT pg_execute_server_program TO APP",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS004",
        "the login reads all tables",
        "GRANT pg_read_all_data TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS004",
        "the login writes all tables",
        "GRANT pg_write_all_data TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS004",
        "the login reads the server's files, two steps away",
        "CREATE ROLE HELPER; GRANT pg_read_server_files TO HELPER; GRANT HELPER TO APP",
        Shuts,
        RemedyThen("DROP ROLE HELPER"),
    ),
    Fault(
        "RLS005",
        "the login owns a table",
        "ALTER TABLE task OWNER TO APP",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS005",
        "the login is a member of a table's owner",
        "CREATE ROLE HELPER; ALTER TABLE task OWNER TO HELPER; GRANT HELPER TO APP",
        Shuts,
        RemedyThen("ALTER TABLE task OWNER TO MIGRATOR; DROP ROLE HELPER"),
    ),
    Fault(
        "RLS005",
        "the login owns a partition",
        "ALTER TABLE event_2026 OWNER TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS005",
        "the login is a member of a partition's owner",
        "CREATE ROLE HELPER; ALTER TABLE event_2026 OWNER TO HELPER; GRANT HELPER TO APP",
        StaysOpen,
        RemedyThen("ALTER TABLE event_2026 OWNER TO MIGRATOR; DROP ROLE HELPER"),
    ),
    Fault(
        "RLS005",
        "the login owns a child",
        "CREATE TABLE child () INHERITS (task); ALTER TABLE child OWNER TO APP",
        StaysOpen,
        RemedyThen("DROP TABLE child"),
    ),
    Fault(
        "RLS005",
        "the login owns a parent",
        "CREATE TABLE base (title varchar); ALTER TABLE base OWNER TO APP; ALTER TABLE task \
         INHERIT base",
        StaysOpen,
        RemedyThen("ALTER TABLE task NO INHERIT base; DROP TABLE base"),
    ),
    Fault(
        "RLS005",
        "the login owns a materialized view over a view",
        "CREATE VIEW inner_titles AS SELECT title FROM task;
         CREATE MATERIALIZED VIEW titles AS SELECT title FROM inner_titles; ALTER MATERIALIZED \
         VIEW titles OWNER TO APP",
        StaysOpen,
        RemedyThen("DROP MATERIALIZED VIEW titles; DROP VIEW inner_titles"),
    ),
    Fault(
        "RLS006",
        "the administrator is a superuser",
        "ALTER ROLE ADMIN SUPERUSER",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS007",
        "the login creates in a schema",
        "GRANT CREATE ON SCHEMA public TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS007",
        "everyone creates in a schema",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS008",
        "the login creates schemas",
        "GRANT CREATE ON DATABASE DATABASE_NAME TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS009",
        "everyone calls set_config",
        "GRANT EXECUTE ON FUNCTION set_config(text, text, boolean) TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS011",
        "row security is off for the login",
        "ALTER ROLE APP SET row_security = off",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS011",
        "every role brings a user along",
        "ALTER ROLE ALL IN DATABASE DATABASE_NAME SET app.user_id = \
         '00000000-0000-0000-0000-000000000000'",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS011",
        "operators of one's own come before the server's",
        "CREATE FUNCTION public.never(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
         CREATE OPERATOR public.= (FUNCTION = public.never, LEFTARG = uuid, RIGHTARG = uuid);
         ALTER ROLE APP SET search_path = public, pg_catalog",
        StaysOpen,
        RemedyThen("DROP OPERATOR public.= (uuid, uuid); DROP FUNCTION public.never"),
    ),
    Fault(
        "RLS013",
        "the login owns the database",
        "ALTER DATABASE DATABASE_NAME OWNER TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS013",
        "the login owns the schema",
        "ALTER SCHEMA public OWNER TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS013",
        "the login owns a schema without tables",
        "CREATE SCHEMA evil AUTHORIZATION APP",
        StaysOpen,
        RemedyThen("DROP SCHEMA evil"),
    ),
    Fault(
        "RLS014",
        "the administrator may create roles",
        "ALTER ROLE ADMIN CREATEROLE",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS014",
        "the administrator runs programs",
        "GRANT pg_execute_server_program TO ADMIN",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS014",
        "the administrator is a member of a table's owner",
        "CREATE ROLE HELPER; ALTER TABLE task OWNER TO HELPER; GRANT HELPER TO ADMIN",
        StaysOpen,
        RemedyThen("ALTER TABLE task OWNER TO MIGRATOR; DROP ROLE HELPER"),
    ),
    Fault(
        "RLS014",
        "the administrator owns a partition",
        "ALTER TABLE event_2026 OWNER TO ADMIN",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS014",
        "the administrator owns a domain that carries a context",
        "ALTER DOMAIN rls_context_any OWNER TO ADMIN",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS020",
        "the login owns a domain that carries a context",
        "ALTER DOMAIN \"rls_context_app.user_id\" OWNER TO APP",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS020",
        "the login is a member of the owner of a domain that no policy needs",
        "CREATE ROLE HELPER; CREATE DOMAIN \"rls_context_app.before\" AS text; ALTER DOMAIN \
         \"rls_context_app.before\" OWNER TO HELPER; GRANT HELPER TO APP",
        StaysOpen,
        RemedyThen("DROP DOMAIN \"rls_context_app.before\"; DROP ROLE HELPER"),
    ),
    Fault(
        "RLS017",
        "everyone makes temporary tables",
        "GRANT TEMPORARY ON DATABASE DATABASE_NAME TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS017",
        "the login makes temporary tables",
        "GRANT TEMPORARY ON DATABASE DATABASE_NAME TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS018",
        "the login reads files",
        "GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS018",
        "everyone reads values of columns",
        "GRANT SELECT ON pg_statistic TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS018",
        "the login creates among the server's own",
        "GRANT CREATE ON SCHEMA pg_catalog TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS018",
        "the login reads passwords as someone else",
        "CREATE ROLE HELPER; GRANT SELECT, UPDATE ON pg_authid TO HELPER; GRANT HELPER TO APP",
        StaysOpen,
        RemedyThen("DROP ROLE HELPER"),
    ),
    Fault(
        "RLS018",
        "the login reads passwords, one column alone",
        "GRANT SELECT (rolname, rolpassword) ON pg_authid TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS018",
        "everyone reads the passwords for other servers",
        "GRANT SELECT ON information_schema._pg_user_mappings TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS028",
        "the login owns a function, a type and a table",
        "CREATE FUNCTION owned() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION owned OWNER TO APP;
         CREATE TYPE owned AS (a int); ALTER TYPE owned OWNER TO APP;
         GRANT CREATE ON SCHEMA public TO APP; CREATE TABLE mine (id serial); ALTER TABLE mine OWNER TO APP;
         REVOKE CREATE ON SCHEMA public FROM APP",
        StaysOpen,
        RemedyThen("DROP FUNCTION owned; DROP TYPE owned; DROP TABLE mine"),
    ),
    Fault(
        "RLS028",
        "a role that the login can become owns a large object",
        "CREATE ROLE HELPER; SELECT lo_create(4711); ALTER LARGE OBJECT 4711 OWNER TO HELPER; GRANT HELPER TO APP",
        StaysOpen,
        RemedyThen("SELECT lo_unlink(4711); DROP ROLE HELPER"),
    ),
    Fault(
        "RLS029",
        "the login calls what an extension keeps from everyone",
        "CREATE FUNCTION pages() RETURNS int LANGUAGE sql AS 'SELECT 1';
         REVOKE EXECUTE ON FUNCTION pages FROM PUBLIC; ALTER EXTENSION plpgsql ADD FUNCTION pages;
         GRANT EXECUTE ON FUNCTION pages TO APP",
        StaysOpen,
        RemedyThen("ALTER EXTENSION plpgsql DROP FUNCTION pages; DROP FUNCTION pages"),
    ),
    Fault(
        "RLS029",
        "everyone calls a function that an extension runs as its owner",
        "CREATE FUNCTION pages() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
         ALTER EXTENSION plpgsql ADD FUNCTION pages",
        StaysOpen,
        RemedyThen("ALTER EXTENSION plpgsql DROP FUNCTION pages; DROP FUNCTION pages"),
    ),
    Fault(
        "RLS019",
        "the login owns a policy's function",
        "CREATE FUNCTION held() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT false'; ALTER \
         FUNCTION held OWNER TO APP;
         CREATE POLICY hold ON task AS RESTRICTIVE USING (held())",
        StaysOpen,
        RemedyThen("DROP FUNCTION held CASCADE"),
    ),
    Fault(
        "RLS019",
        "the login is a member of the owner of a policy's type",
        "CREATE ROLE HELPER; CREATE TYPE mood AS ENUM ('a', 'b'); ALTER TYPE mood OWNER TO HELPER; \
         GRANT HELPER TO APP;
         CREATE POLICY hold ON task AS RESTRICTIVE USING ('a'::mood = 'b'::mood)",
        StaysOpen,
        RemedyThen("DROP TYPE mood CASCADE; DROP ROLE HELPER"),
    ),
    Fault(
        "RLS019",
        "the login owns a policy's operator",
        "CREATE FUNCTION same(uuid, uuid) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = \
         $2';
         CREATE OPERATOR === (FUNCTION = same, LEFTARG = uuid, RIGHTARG = uuid); ALTER OPERATOR \
         === (uuid, uuid) OWNER TO APP;
         CREATE POLICY hold ON task AS RESTRICTIVE USING (owner_id === owner_id)",
        StaysOpen,
        RemedyThen("DROP POLICY hold ON task; DROP OPERATOR === (uuid, uuid); DROP FUNCTION same"),
    ),
    Fault(
        "RLS015",
        "the login's path leads to a table without row security",
        "CREATE SCHEMA shadow; CREATE TABLE shadow.task (LIKE task); GRANT USAGE ON SCHEMA shadow \
         TO APP;
         GRANT SELECT ON shadow.task TO APP; ALTER ROLE APP SET search_path = shadow, public",
        Shuts,
        RemedyThen("DROP SCHEMA shadow CASCADE"),
    ),
    Fault(
        "RLS015",
        "the database's path leads to a view",
        "CREATE SCHEMA shadow; CREATE VIEW shadow.task AS SELECT * FROM task; GRANT USAGE ON \
         SCHEMA shadow TO APP;
         ALTER DATABASE DATABASE_NAME SET search_path = shadow, public",
        Shuts,
        RemedyThen("DROP SCHEMA shadow CASCADE"),
    ),
    Fault(
        "RLS015",
        "a schema bears the login's name",
        "CREATE SCHEMA APP; CREATE TABLE APP.task (LIKE task); GRANT USAGE ON SCHEMA APP TO APP",
        Shuts,
        Undo("DROP SCHEMA APP CASCADE"),
    ),
    Fault(
        "RLS011",
        "the login brings a user along",
        "ALTER ROLE APP SET app.user_id = '00000000-0000-0000-0000-000000000000'",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS011",
        "the login brings a user along in this database",
        "ALTER ROLE APP IN DATABASE DATABASE_NAME SET app.user_id = \
         '00000000-0000-0000-0000-000000000000'",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS011",
        "the database brings a user along",
        "ALTER DATABASE DATABASE_NAME SET app.user_id = '00000000-0000-0000-0000-000000000000'",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS021",
        "everyone runs blocks of code",
        "GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS021",
        "the login runs blocks of code",
        "GRANT USAGE ON LANGUAGE plpgsql TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS022",
        "the login reads the statements of other roles",
        "GRANT pg_read_all_stats TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS022",
        "the login watches the server",
        "GRANT pg_monitor TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS022",
        "the login ends the sessions of other roles, two steps away",
        "CREATE ROLE HELPER; GRANT pg_signal_backend TO HELPER; GRANT HELPER TO APP",
        StaysOpen,
        RemedyThen("DROP ROLE HELPER"),
    ),
    Fault(
        "RLS023",
        "everyone makes large objects",
        "GRANT EXECUTE ON FUNCTION lo_create(oid), lo_from_bytea(oid, bytea) TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS023",
        "the login reads a large object",
        "SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO APP",
        StaysOpen,
        RemedyThen("SELECT lo_unlink(4711)"),
    ),
    Fault(
        "RLS024",
        "the login switches triggers off",
        "GRANT SET ON PARAMETER session_replication_role TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS024",
        "the login changes the server",
        "GRANT SET, ALTER SYSTEM ON PARAMETER auto_explain.log_level TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS318",
        "the login makes foreign servers",
        "CREATE FOREIGN DATA wrapper wire; GRANT USAGE ON FOREIGN DATA wrapper wire TO APP",
        StaysOpen,
        RemedyThen("DROP FOREIGN DATA wrapper wire"),
    ),
];

#[tokio::test]
async fn faults_of_roles_are_caught() {
    each_is_caught(FAULTS).await;
}
