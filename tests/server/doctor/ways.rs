//! Ways to scoped rows that bypass their table, and tables about which nobody has decided.

use super::fault::{End::*, Fault, Gate::*, each_is_caught};

pub const FAULTS: &[Fault] = &[
    Fault(
        "RLS305",
        "a view of a superuser's",
        "CREATE VIEW titles AS SELECT title FROM task; GRANT SELECT ON titles TO APP",
        StaysOpen,
        RemedyThen("DROP VIEW titles"),
    ),
    Fault(
        "RLS305",
        "a view for everyone",
        "CREATE VIEW titles AS SELECT title FROM task; GRANT SELECT ON titles TO PUBLIC",
        StaysOpen,
        RemedyThen("DROP VIEW titles"),
    ),
    Fault(
        "RLS305",
        "a view over a view",
        "CREATE VIEW inner_titles AS SELECT title FROM task; CREATE SCHEMA side;
         CREATE VIEW side.titles AS SELECT title FROM inner_titles; GRANT SELECT ON side.titles TO \
         APP",
        StaysOpen,
        RemedyThen("DROP SCHEMA side CASCADE; DROP VIEW inner_titles"),
    ),
    Fault(
        "RLS306",
        "a view of a role to which policies apply",
        "CREATE ROLE HELPER; CREATE VIEW titles AS SELECT title FROM task; GRANT SELECT ON titles \
         TO APP;
         GRANT CREATE ON SCHEMA public TO HELPER; ALTER VIEW titles OWNER TO HELPER",
        StaysOpen,
        RemedyThen("DROP VIEW titles; REVOKE CREATE ON SCHEMA public FROM HELPER; DROP ROLE \
                    HELPER"),
    ),
    Fault(
        "RLS305",
        "a view over a partition",
        "CREATE VIEW years AS SELECT year FROM event_2026; GRANT SELECT ON years TO APP",
        StaysOpen,
        RemedyThen("DROP VIEW years"),
    ),
    Fault(
        "RLS305",
        "a view of the administrator's",
        "GRANT CREATE ON SCHEMA public TO ADMIN; CREATE VIEW titles AS SELECT title FROM task;
         GRANT SELECT ON titles TO APP; ALTER VIEW titles OWNER TO ADMIN",
        StaysOpen,
        RemedyThen("DROP VIEW titles; REVOKE CREATE ON SCHEMA public FROM ADMIN"),
    ),
    Fault(
        "RLS307",
        "a materialized view",
        "CREATE MATERIALIZED VIEW titles AS SELECT title FROM task; GRANT SELECT ON titles TO APP",
        StaysOpen,
        RemedyThen("DROP MATERIALIZED VIEW titles"),
    ),
    Fault(
        "RLS308",
        "a function that sees all",
        "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = \
         pg_catalog, pg_temp
         AS 'SELECT count(*) FROM public.task'",
        StaysOpen,
        RemedyThen("DROP FUNCTION total"),
    ),
    Fault(
        "RLS309",
        "a function that sees all and resolves names in its caller's path",
        "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) \
         FROM task'",
        StaysOpen,
        RemedyThen("DROP FUNCTION total"),
    ),
    Fault(
        "RLS308",
        "a procedure of the administrator's",
        "GRANT CREATE ON SCHEMA public TO ADMIN;
         CREATE PROCEDURE clear(integer) LANGUAGE sql SECURITY DEFINER SET search_path = ''
         AS 'DELETE FROM public.note WHERE id = $1'; ALTER PROCEDURE clear OWNER TO ADMIN",
        StaysOpen,
        RemedyThen("DROP PROCEDURE clear; REVOKE CREATE ON SCHEMA public FROM ADMIN"),
    ),
    Fault(
        "RLS309",
        "a function that finds temporary tables first",
        "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = \
         public
         AS 'SELECT count(*) FROM task'",
        StaysOpen,
        RemedyThen("DROP FUNCTION total"),
    ),
    Fault(
        "RLS309",
        "a function that finds temporary tables alone",
        "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = \
         pg_temp
         AS 'SELECT count(*) FROM public.task'",
        StaysOpen,
        RemedyThen("DROP FUNCTION total"),
    ),
    Fault(
        "RLS308",
        "a function that sees all, called through an aggregate alone",
        "CREATE FUNCTION more(bigint, integer) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
         SET search_path = '' AS 'SELECT count(*) FROM public.task';
         REVOKE EXECUTE ON FUNCTION more FROM PUBLIC;
         CREATE AGGREGATE all_of_it (integer) (SFUNC = more, STYPE = bigint)",
        StaysOpen,
        RemedyThen("DROP AGGREGATE all_of_it(integer); DROP FUNCTION more"),
    ),
    Fault(
        "RLS308",
        "a function that sees all, called through a view alone",
        "CREATE SCHEMA private; CREATE FUNCTION private.all_titles() RETURNS SETOF text LANGUAGE \
         sql STABLE SECURITY DEFINER
         SET search_path = '' AS 'SELECT title FROM public.task';
         CREATE VIEW titles AS SELECT * FROM private.all_titles() AS t (title); GRANT SELECT ON \
         titles TO APP",
        StaysOpen,
        RemedyThen("DROP VIEW titles; DROP SCHEMA private CASCADE"),
    ),
    Fault(
        "RLS309",
        "a trigger that resolves names in its caller's path",
        "CREATE FUNCTION note_down() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN \
         DELETE FROM note; RETURN new; END';
         CREATE TRIGGER note_down AFTER INSERT ON task FOR EACH ROW EXECUTE FUNCTION note_down()",
        StaysOpen,
        RemedyThen("DROP FUNCTION note_down CASCADE"),
    ),
    Fault(
        "RLS309",
        "a function of a table's owner",
        "CREATE ROLE HELPER; GRANT CREATE ON SCHEMA public TO HELPER; ALTER TABLE task OWNER TO \
         HELPER;
         CREATE FUNCTION total(uuid) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT \
         count(*) FROM task';
         ALTER FUNCTION total OWNER TO HELPER",
        StaysOpen,
        RemedyThen(
            "DROP FUNCTION total; ALTER TABLE task OWNER TO MIGRATOR; REVOKE CREATE ON SCHEMA \
             public FROM HELPER;
             DROP ROLE HELPER",
        ),
    ),
    Fault(
        "RLS310",
        "a partition is granted",
        "GRANT SELECT ON event_2026 TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS310",
        "a partition is attached with its grants",
        "CREATE TABLE event_2027 (LIKE event); GRANT SELECT ON event_2027 TO PUBLIC;
         ALTER TABLE event ATTACH PARTITION event_2027 FOR VALUES FROM (2027) TO (2028)",
        StaysOpen,
        RemedyThen("DROP TABLE event_2027"),
    ),
    Fault(
        "RLS310",
        "a child of a child is granted",
        "CREATE TABLE child () INHERITS (task); CREATE TABLE grandchild () INHERITS (child);
         GRANT SELECT ON grandchild TO APP",
        StaysOpen,
        RemedyThen("DROP TABLE grandchild, child"),
    ),
    Fault(
        "RLS310",
        "a partition is granted with a policy that lets everyone through",
        "ALTER TABLE event_2026 ENABLE ROW LEVEL SECURITY; CREATE POLICY open ON event_2026 USING \
         (true);
         GRANT SELECT ON event_2026 TO APP",
        StaysOpen,
        RemedyThen("DROP POLICY open ON event_2026; ALTER TABLE event_2026 DISABLE ROW LEVEL \
                    SECURITY"),
    ),
    Fault(
        "RLS312",
        "a rule deletes elsewhere",
        "CREATE RULE also AS ON DELETE TO task DO ALSO DELETE FROM note WHERE task_id = old.id",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS313",
        "a trigger that writes what the user may not",
        "CREATE FUNCTION note_down() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET \
         search_path = ''
         AS 'BEGIN DELETE FROM public.note; RETURN new; END';
         CREATE TRIGGER note_down AFTER INSERT ON task FOR EACH ROW EXECUTE FUNCTION note_down()",
        StaysOpen,
        RemedyThen("DROP FUNCTION note_down CASCADE"),
    ),
    Fault(
        "RLS313",
        "a trigger of a partition writes what the user may not",
        "CREATE FUNCTION wipe() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path \
         = ''
         AS 'BEGIN DELETE FROM public.task; RETURN new; END';
         CREATE TRIGGER wipe AFTER INSERT ON event_2026 FOR EACH ROW EXECUTE FUNCTION wipe()",
        StaysOpen,
        RemedyThen("DROP FUNCTION wipe CASCADE"),
    ),
    Fault(
        "RLS313",
        "a trigger of a partitioned table is reported once",
        "CREATE FUNCTION wipe() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path \
         = ''
         AS 'BEGIN DELETE FROM public.task; RETURN new; END';
         CREATE TRIGGER wipe AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION wipe()",
        StaysOpen,
        RemedyThen("DROP FUNCTION wipe CASCADE"),
    ),
    Fault(
        "RLS313",
        "a trigger of another table, which the login writes, writes what the user may not",
        "CREATE TABLE stray (id integer); GRANT INSERT ON stray TO APP;
         CREATE FUNCTION wipe() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path \
         = ''
         AS 'BEGIN DELETE FROM public.task; RETURN new; END';
         CREATE TRIGGER wipe AFTER INSERT ON stray FOR EACH ROW EXECUTE FUNCTION wipe()",
        StaysOpen,
        RemedyThen("DROP TABLE stray; DROP FUNCTION wipe"),
    ),
    Fault(
        "RLS313",
        "a trigger in place of a view's statement writes what the user may not",
        "CREATE VIEW door AS SELECT 1 AS x; GRANT INSERT ON door TO PUBLIC;
         CREATE FUNCTION wipe() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path \
         = ''
         AS 'BEGIN DELETE FROM public.task; RETURN new; END';
         CREATE TRIGGER wipe INSTEAD OF INSERT ON door FOR EACH ROW EXECUTE FUNCTION wipe()",
        StaysOpen,
        RemedyThen("DROP VIEW door; DROP FUNCTION wipe"),
    ),
    Fault(
        "RLS312",
        "a rule on another table deletes here",
        "CREATE TABLE stray (id integer); CREATE RULE also AS ON INSERT TO stray DO ALSO DELETE \
         FROM task;
         GRANT INSERT ON stray TO APP",
        StaysOpen,
        RemedyThen("DROP TABLE stray"),
    ),
    Fault(
        "RLS314",
        "rows are published with their partitioned table",
        "SET client_min_messages = error; CREATE PUBLICATION events FOR TABLE event",
        StaysOpen,
        RemedyThen("DROP PUBLICATION events"),
    ),
    Fault(
        "RLS314",
        "everything is published",
        "SET client_min_messages = error; CREATE PUBLICATION events FOR ALL TABLES",
        StaysOpen,
        Undo("DROP PUBLICATION events"),
    ),
    Fault(
        "RLS315",
        "a parent without row security is granted",
        "CREATE TABLE base (title varchar); GRANT SELECT ON base TO APP; ALTER TABLE task INHERIT \
         base",
        StaysOpen,
        RemedyThen("ALTER TABLE task NO INHERIT base; DROP TABLE base"),
    ),
    Fault(
        "RLS315",
        "a parent is granted with a policy that lets everyone through",
        "CREATE TABLE base (title varchar); ALTER TABLE base ENABLE ROW LEVEL SECURITY;
         CREATE POLICY open ON base USING (true); GRANT SELECT ON base TO APP; ALTER TABLE task \
         INHERIT base",
        StaysOpen,
        RemedyThen("ALTER TABLE task NO INHERIT base; DROP TABLE base"),
    ),
    Fault(
        "RLS315",
        "a parent's parent is granted to everyone by column",
        "CREATE TABLE base (title varchar); GRANT SELECT (title) ON base TO PUBLIC;
         CREATE TABLE middle () INHERITS (base); ALTER TABLE task INHERIT middle",
        StaysOpen,
        RemedyThen("ALTER TABLE task NO INHERIT middle; DROP TABLE middle, base"),
    ),
    Fault(
        "RLS305",
        "a view over a parent",
        "CREATE TABLE base (title varchar); ALTER TABLE task INHERIT base;
         CREATE VIEW titles AS SELECT title FROM base; GRANT SELECT ON titles TO APP",
        StaysOpen,
        RemedyThen("DROP VIEW titles; ALTER TABLE task NO INHERIT base; DROP TABLE base"),
    ),
    Fault(
        "RLS314",
        "rows are published",
        "SET client_min_messages = error; CREATE PUBLICATION events FOR TABLE task",
        StaysOpen,
        RemedyThen("DROP PUBLICATION events"),
    ),
    Fault(
        "RLS317",
        "a function that sees rows before policies do",
        "CREATE FUNCTION loud(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE LEAKPROOF COST 0.0001
         AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END'",
        StaysOpen,
        RemedyThen("DROP FUNCTION loud"),
    ),
    Fault(
        "RLS318",
        "a foreign table is granted",
        "CREATE FOREIGN DATA wrapper wire; CREATE SERVER far FOREIGN DATA wrapper wire; CREATE \
         SCHEMA side;
         CREATE FOREIGN TABLE side.titles (title varchar) SERVER far; GRANT SELECT ON side.titles \
         TO APP",
        StaysOpen,
        RemedyThen("DROP SCHEMA side CASCADE; DROP FOREIGN DATA wrapper wire CASCADE"),
    ),
    Fault(
        "RLS318",
        "the login makes foreign tables",
        "CREATE FOREIGN DATA wrapper wire; CREATE SERVER far FOREIGN DATA wrapper wire; GRANT \
         USAGE ON FOREIGN SERVER far TO APP",
        StaysOpen,
        RemedyThen("DROP FOREIGN DATA wrapper wire CASCADE"),
    ),
    Fault(
        "RLS401",
        "a table that nobody has decided about",
        "CREATE TABLE stray (id integer)",
        StaysOpen,
        Undo("DROP TABLE stray"),
    ),
    Fault(
        "RLS402",
        "a table with owners that no entity claims",
        "CREATE SCHEMA side; CREATE TABLE side.stray (owner_id uuid)",
        StaysOpen,
        Undo("DROP SCHEMA side CASCADE"),
    ),
    Fault(
        "RLS402",
        "a partition is detached",
        "ALTER TABLE event DETACH PARTITION event_2026",
        StaysOpen,
        Undo("ALTER TABLE event ATTACH PARTITION event_2026 FOR VALUES FROM (2026) TO (2027)"),
    ),
];

#[tokio::test]
async fn ways_past_tables_are_caught() {
    each_is_caught(FAULTS).await;
}
