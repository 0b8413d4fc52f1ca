//! Statements that someone injects who wants to read or write Bob's rows as Ann. A new case is one
//! line: the kind of attack, and the SQL.
//!
//! `{bob}` is Bob's key, `{ann}` Ann's; `{forged}` is a context for Bob that a key signed which the
//! server does not know, `{altered}` is Ann's with Bob's key in it, `{expired}` one of Bob's that is
//! past, and `{replayed}` one of Bob's for another login.
//!
//! None goes past a check of the server itself: all of them only change settings, ask for what the
//! role may not have, or look where other users' rows could show.

pub const STATEMENTS: &[(&str, &str)] = &[
    // Another value of the setting, in each place of a statement.
    (
        "set_config",
        "SELECT set_config('app.user_id', '{bob}', true), t.title FROM task t",
    ),
    (
        "set_config",
        "SELECT t.title FROM (SELECT set_config('app.user_id', '{bob}', true)) s, task t",
    ),
    (
        "set_config",
        "SELECT t.title FROM task t WHERE set_config('app.user_id', '{bob}', true) IS NOT NULL",
    ),
    (
        "set_config",
        "WITH s AS MATERIALIZED (SELECT set_config('app.user_id', '{bob}', true) AS s) SELECT t.title FROM s, task t WHERE s.s <> ''",
    ),
    (
        "set_config",
        "SELECT x.title FROM (SELECT set_config('app.user_id', '{bob}', false) AS s) s, LATERAL (SELECT title FROM task WHERE s.s <> '') x",
    ),
    (
        "set_config",
        "SELECT title FROM task ORDER BY set_config('app.user_id', '{bob}', true)",
    ),
    (
        "set_config",
        "SELECT (SELECT string_agg(title, ',') FROM task) FROM set_config('app.user_id', '{bob}', true) s WHERE s <> ''",
    ),
    (
        "set_config",
        "SELECT title FROM task WHERE EXISTS (SELECT set_config('app.user_id', '{bob}', true)) AND title <> ''",
    ),
    (
        "set_config",
        "SELECT string_agg(t.title, ',') FROM set_config('app.user_id', '{bob}', true) s JOIN task t ON s <> ''",
    ),
    (
        "set_config",
        "UPDATE task SET title = 'taken' WHERE set_config('app.user_id', '{bob}', true) IS NOT NULL",
    ),
    (
        "set_config",
        "DELETE FROM task USING set_config('app.user_id', '{bob}', true) s WHERE s <> ''",
    ),
    (
        "set_config",
        "WITH s AS MATERIALIZED (SELECT set_config('app.user_id', '{bob}', true) AS s) UPDATE task SET title = 'taken' FROM s WHERE s.s <> '' RETURNING title",
    ),
    (
        "set_config",
        "INSERT INTO task (id, title, rank, owner_id) SELECT gen_random_uuid(), 'planted', 1, '{bob}' FROM set_config('app.user_id', '{bob}', true) s WHERE s <> ''",
    ),
    (
        "set_config",
        "MERGE INTO task t USING (SELECT set_config('app.user_id', '{bob}', true) AS s) s ON s.s <> '' WHEN MATCHED THEN UPDATE SET title = 'taken'",
    ),
    (
        "set_config",
        "SELECT query_to_xml('SELECT title FROM task', true, true, '') FROM set_config('app.user_id', '{bob}', true) s WHERE s <> ''",
    ),
    // The same by the types that carry a context.
    (
        "the carrier's type",
        r#"SELECT t.title FROM (SELECT '{bob}'::"rls_context_app.user_id") s, task t"#,
    ),
    (
        "the carrier's type",
        r#"SELECT t.title FROM task t, (SELECT CAST('{bob}' AS "rls_context_app.user_id") AS v OFFSET 0) s WHERE s.v <> ''"#,
    ),
    (
        "the carrier's type",
        r#"SELECT t.title FROM (SELECT ARRAY['app.user_id', '{bob}']::rls_context_any AS v OFFSET 0) s, task t WHERE s.v[1] <> ''"#,
    ),
    (
        "the carrier's type",
        r#"WITH s AS MATERIALIZED (SELECT '{forged}'::"rls_context_rls.context" AS v) SELECT t.title FROM s, task t WHERE s.v <> ''"#,
    ),
    (
        "the carrier's type",
        r#"UPDATE task SET title = 'taken' FROM (SELECT '{bob}'::"rls_context_app.user_id" AS v OFFSET 0) s WHERE s.v <> ''"#,
    ),
    // Contexts that no key of the server's has signed for this login and this time.
    (
        "a forged context",
        "SELECT t.title FROM set_config('rls.context', '{forged}', true) s, set_config('app.user_id', '{bob}', true) u, task t WHERE s <> '' AND u <> ''",
    ),
    (
        "a forged context",
        "WITH s AS MATERIALIZED (SELECT set_config('rls.context', '{forged}', true) AS s) UPDATE task SET title = 'taken' FROM s WHERE s.s <> ''",
    ),
    (
        "a forged context",
        "SELECT t.title FROM set_config('rls.context', repeat('0', 64) || 'k0000000' || '999999999999' || '{\"app.user_id\": \"{bob}\"}', true) s, task t WHERE s <> ''",
    ),
    (
        "a forged context",
        "SELECT t.title FROM set_config('rls.context', '{\"app.user_id\": \"{bob}\"}', true) s, task t WHERE s <> ''",
    ),
    (
        "an altered context",
        "SELECT t.title FROM set_config('rls.context', '{altered}', true) s, set_config('app.user_id', '{bob}', true) u, task t WHERE s <> '' AND u <> ''",
    ),
    (
        "an altered context",
        "SELECT t.title FROM set_config('rls.context', replace(current_setting('rls.context'), '{ann}', '{bob}'), true) s, set_config('app.user_id', '{bob}', true) u, task t WHERE s <> '' AND u <> ''",
    ),
    (
        "an altered context",
        "SELECT t.title FROM set_config('rls.context', current_setting('rls.context') || ' ', true) s, set_config('app.user_id', '{bob}', true) u, task t WHERE s <> '' AND u <> ''",
    ),
    (
        "an expired context",
        "SELECT t.title FROM set_config('rls.context', '{expired}', true) s, set_config('app.user_id', '{bob}', true) u, task t WHERE s <> '' AND u <> ''",
    ),
    (
        "another login's context",
        "SELECT t.title FROM set_config('rls.context', '{replayed}', true) s, set_config('app.user_id', '{bob}', true) u, task t WHERE s <> '' AND u <> ''",
    ),
    // The keys, and what verifies a context.
    (
        "the keys",
        "SELECT encode(inner_pad, 'hex') FROM rls_signing_key",
    ),
    (
        "the keys",
        "INSERT INTO rls_signing_key (id, inner_pad, outer_pad) VALUES ('mine0000', decode(repeat('00', 64), 'hex'), decode(repeat('00', 64), 'hex'))",
    ),
    (
        "the keys",
        "UPDATE rls_signing_key SET ends_at = 'infinity'",
    ),
    ("the keys", "SELECT k FROM rls_signing_key k, task"),
    (
        "the keys",
        "CREATE OR REPLACE VIEW rls_signed_context AS SELECT '{}'::jsonb AS settings",
    ),
    ("the keys", "DROP VIEW rls_signed_context CASCADE"),
    ("the keys", "GRANT SELECT ON rls_signing_key TO PUBLIC"),
    // Other rights.
    ("another role", "SET ROLE NONE"),
    ("another role", "SET SESSION AUTHORIZATION postgres"),
    (
        "another role",
        "SELECT set_config('role', (SELECT rolname FROM pg_roles WHERE rolsuper LIMIT 1), true), title FROM task",
    ),
    (
        "another role",
        "SELECT title FROM task WHERE set_config('row_security', 'off', true) = 'off'",
    ),
    ("another role", "SET row_security = off"),
    ("definitions", "ALTER TABLE task DISABLE ROW LEVEL SECURITY"),
    (
        "definitions",
        "ALTER TABLE task NO FORCE ROW LEVEL SECURITY",
    ),
    ("definitions", "CREATE POLICY mine ON task USING (true)"),
    ("definitions", "DROP POLICY task_guard ON task"),
    ("definitions", "GRANT ALL ON task TO PUBLIC"),
    ("definitions", "ALTER TABLE task OWNER TO CURRENT_USER"),
    (
        "definitions",
        "CREATE TRIGGER mine AFTER UPDATE ON task EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ),
    (
        "definitions",
        "CREATE RULE mine AS ON SELECT TO task DO INSTEAD SELECT 1",
    ),
    ("definitions", "TRUNCATE task"),
    ("definitions", "LOCK TABLE task IN ACCESS EXCLUSIVE MODE"),
    ("definitions", "CREATE VIEW mine AS SELECT title FROM task"),
    (
        "definitions",
        "CREATE FUNCTION mine() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT title FROM task LIMIT 1'",
    ),
    (
        "definitions",
        "ALTER DOMAIN \"rls_context_app.user_id\" DROP CONSTRAINT sets_context",
    ),
    // Where other users' rows could show.
    (
        "side views",
        "SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'task'",
    ),
    (
        "side views",
        "SELECT histogram_bounds::text FROM pg_stats WHERE tablename = 'task'",
    ),
    ("side views", "SELECT query FROM pg_stat_activity"),
    ("side views", "SELECT statement FROM pg_prepared_statements"),
    ("side views", "SELECT statement FROM pg_cursors"),
    (
        "side views",
        "SELECT stxdmcv::text FROM pg_statistic_ext_data",
    ),
    ("side views", "TABLE pg_statistic"),
    (
        "side views",
        "EXPLAIN (ANALYZE, VERBOSE) SELECT title FROM task",
    ),
    ("side views", "SELECT pg_read_file('base/1/PG_VERSION')"),
    (
        "side views",
        "COPY (SELECT title FROM task) TO PROGRAM 'cat'",
    ),
    ("side views", "COPY task TO STDOUT"),
    ("side views", "SELECT lo_import('/etc/hostname')"),
    // Rows that a statement reads beside its own.
    (
        "other rows",
        "SELECT title FROM task WHERE owner_id = '{bob}'",
    ),
    (
        "other rows",
        "SELECT title FROM task UNION ALL SELECT title FROM task WHERE owner_id <> '{ann}'",
    ),
    (
        "other rows",
        "SELECT title FROM task TABLESAMPLE BERNOULLI (100)",
    ),
    (
        "other rows",
        "SELECT title FROM task WHERE title < 'zzz' FOR UPDATE",
    ),
    ("other rows", "SELECT title::int FROM task"),
    (
        "other rows",
        "SELECT title FROM task WHERE 1 / (length(title) - length('bobs secret')) > 0",
    ),
    (
        "other rows",
        "UPDATE task SET owner_id = '{ann}' WHERE owner_id = '{bob}' RETURNING title",
    ),
    (
        "other rows",
        "INSERT INTO task (id, title, rank) SELECT id, 'taken', 1 FROM task ON CONFLICT (id) DO UPDATE SET title = task.title RETURNING title",
    ),
    (
        "other rows",
        "DELETE FROM task WHERE owner_id = '{bob}' RETURNING title",
    ),
    (
        "other rows",
        "SELECT query_to_xml('SELECT title FROM task', true, true, '')",
    ),
    ("other rows", "SELECT table_to_xml('task', true, true, '')"),
    (
        "other rows",
        "SELECT ts_stat('SELECT to_tsvector(title) FROM task')",
    ),
    (
        "other rows",
        "SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, plainto_tsquery(title) FROM task')",
    ),
    // Code.
    (
        "code",
        "DO $$ BEGIN PERFORM set_config('app.user_id', '{bob}', true); UPDATE task SET title = 'taken'; END $$",
    ),
    (
        "code",
        "DO $$ DECLARE t text; BEGIN PERFORM set_config('app.user_id', '{bob}', true); SELECT title INTO t FROM task WHERE owner_id = '{bob}'; RAISE EXCEPTION '%', t; END $$",
    ),
    (
        "code",
        "CREATE FUNCTION pg_temp.mine() RETURNS SETOF text LANGUAGE sql SET app.user_id = '{bob}' AS 'SELECT title FROM task'",
    ),
    ("code", "CALL pg_temp.mine()"),
];

/// Texts of several statements.
pub const TEXTS: &[(&str, &str)] = &[
    (
        "SET, then a statement",
        "SET app.user_id = '{bob}'; SELECT title FROM task",
    ),
    (
        "SET, then a statement",
        "SET LOCAL app.user_id = '{bob}'; SELECT title FROM task",
    ),
    (
        "SET, then a statement",
        "BEGIN; SET LOCAL app.user_id = '{bob}'; SELECT title FROM task; COMMIT",
    ),
    (
        "SET, then a statement",
        "SET app.user_id = '{bob}'; UPDATE task SET title = 'taken'",
    ),
    (
        "SET, then a statement",
        "SET app.user_id = '{bob}'; DELETE FROM task",
    ),
    (
        "SET, then a statement",
        "SET SESSION app.user_id TO '{bob}'; TABLE task",
    ),
    (
        "SET, then a statement",
        "SELECT set_config('app.user_id', '{bob}', false); SELECT title FROM task",
    ),
    (
        "SET, then a statement",
        "PREPARE mine AS SELECT title FROM task; SET app.user_id = '{bob}'; EXECUTE mine",
    ),
    (
        "SET, then a statement",
        "SET app.user_id = '{bob}'; BEGIN; DECLARE mine CURSOR FOR SELECT title FROM task; FETCH ALL FROM mine; COMMIT",
    ),
    (
        "SET, then a statement",
        "SET app.user_id = '{bob}'; EXPLAIN (ANALYZE) SELECT title FROM task; SELECT title FROM task",
    ),
    (
        "SET, then a forged context",
        "SET app.user_id = '{bob}'; SET rls.context = '{forged}'; SELECT title FROM task",
    ),
    (
        "SET, then a forged context",
        "SET app.user_id = '{bob}'; SET rls.context = '{altered}'; SELECT title FROM task",
    ),
    (
        "SET, then a forged context",
        "SET app.user_id = '{bob}'; SET rls.context = '{expired}'; SELECT title FROM task",
    ),
    (
        "SET, then a forged context",
        "SET app.user_id = '{bob}'; SET rls.context = '{replayed}'; SELECT title FROM task",
    ),
    (
        "SET, then a forged context",
        "SET app.user_id = '{bob}'; SET rls.context = ''; SELECT title FROM task",
    ),
    (
        "SET, then a forged context",
        "SET app.user_id = '{bob}'; RESET rls.context; SELECT title FROM task",
    ),
    (
        "SET, then a forged context",
        "SET app.user_id = '{bob}'; SET rls.context = '{forged}'; UPDATE task SET title = 'taken'",
    ),
    (
        "DISCARD, then a statement",
        "DISCARD ALL; SET app.user_id = '{bob}'; SELECT title FROM task",
    ),
    (
        "DISCARD, then a statement",
        "RESET ALL; SET app.user_id = '{bob}'; SELECT title FROM task",
    ),
    (
        "a function with a setting",
        "CREATE FUNCTION pg_temp.mine() RETURNS SETOF text LANGUAGE sql SET app.user_id = '{bob}' AS 'SELECT title FROM task'; SELECT pg_temp.mine()",
    ),
    (
        "a function with a setting",
        "ALTER ROLE CURRENT_USER SET app.user_id = '{bob}'; SET app.user_id TO DEFAULT; SELECT title FROM task",
    ),
    (
        "a temporary object",
        "CREATE TEMPORARY TABLE mine AS SELECT title FROM task; SELECT title FROM mine",
    ),
    (
        "a temporary object",
        "CREATE TEMPORARY VIEW rls_signed_context AS SELECT jsonb_build_object('app.user_id', '{bob}') AS settings; SET app.user_id = '{bob}'; SELECT title FROM task",
    ),
    (
        "a temporary object",
        "CREATE TEMPORARY TABLE rls_signing_key (id text, inner_pad bytea, outer_pad bytea, ends_at timestamptz); SET app.user_id = '{bob}'; SET rls.context = '{forged}'; SELECT title FROM task",
    ),
    (
        "a temporary object",
        "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT ''''::bytea'; SET search_path = pg_temp, public, pg_catalog; SET app.user_id = '{bob}'; SET rls.context = '{forged}'; SELECT title FROM task",
    ),
    (
        "code, then a statement",
        "DO $$ BEGIN PERFORM set_config('app.user_id', '{bob}', false); END $$; SELECT title FROM task",
    ),
];
