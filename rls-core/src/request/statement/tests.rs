use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

fn refused(sql: &str) -> Option<Refusal> {
    classify(sql, Protocol::Simple, &Seen::default(), &|name| {
        name == "app.user_id"
    })
    .err()
}

fn holds_code(sql: &str, protocol: Protocol) -> bool {
    classify(sql, protocol, &Seen::default(), &|_| false)
        .unwrap()
        .holds_code()
}

fn classified(sql: &str) -> Classified {
    classify(sql, Protocol::Extended, &Seen::default(), &|_| false).unwrap()
}

#[test]
fn prepared_text_is_judged_by_its_one_statement() {
    let refused = |sql| classify(sql, Protocol::Extended, &Seen::default(), &|_| false).err();
    assert!(refused(" ;; /* a */ COMMIT").is_some());
    assert!(refused("SET SESSION /* a */ ROLE x").is_some());

    assert_eq!(
        refused("INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
        None
    );
}

#[test]
fn placeholders_are_counted_where_the_server_sees_them() {
    for (sql, placeholders) in [
        ("SELECT 1", 0),
        ("SELECT $1, $12 FROM t WHERE a = $2", 12),
        (
            "SELECT $1, '$9', $tag$ $9 $tag$, \"$9\" -- $9\n /* $9 */",
            1,
        ),
        ("SELECT a$9, $1a, $2FROM", 2),
        (r"SELECT '\'', $3 --'", 3),
        ("SELECT $99999999999999999999", usize::MAX),
        ("SELECT $, $$ $9 $$", 0),
    ] {
        assert_eq!(classified(sql).placeholders(), placeholders, "{sql}");
    }
}

#[test]
fn texts_of_several_statements_are_known() {
    for sql in [
        "SELECT 1; SELECT 2",
        "SELECT 1 ;/* ; */ DELETE FROM t;",
        "a'\\';b",
    ] {
        assert!(classified(sql).is_several(), "{sql}");
    }
    for sql in [
        "SELECT 1",
        "SELECT 1;",
        "SELECT 1 ;; -- SELECT 2\n",
        "SELECT ';', \";\", $$;$$ a",
    ] {
        assert!(!classified(sql).is_several(), "{sql}");
    }
}

#[test]
fn what_may_commit_is_known_by_its_first_word() {
    for sql in [
        "CALL p($1)",
        "/* a */ call p()",
        ";DO $$ BEGIN END $$",
        "VACUUM t",
        "REPACK t", // since PostgreSQL 19
        "CREATE INDEX CONCURRENTLY ON t (a)",
    ] {
        assert!(classified(sql).may_commit(), "{sql}");
    }

    for sql in ["SELECT call", "EXPLAIN ANALYZE SELECT 1", "", "\"call\" x"] {
        assert!(!classified(sql).may_commit(), "{sql}");
    }
}

#[test]
fn types_that_carry_a_context_are_refused_in_any_spelling() {
    for sql in [
        "SELECT 'x'::\"rls_context_app.user_id\"",
        "SELECT CAST($1 AS public . RLS_Context_any)",
        "SELECT _rls_context_any '{{app.user_id,x}}'",
        "SELECT '{}'::\"___rls_context_any\"",
        "CREATE TABLE t (a rls_context_read_only[])",
        "SELECT rls_context_record('')",
        "SELECT U&\"rls\\005fcontext_any\" '{app.user_id,x}'",
        "SELECT pg_input_is_valid('x', 'rls_' || 'context_any')",
        "SELECT * FROM PG_Input_Error_Info ('x', $1)",
        "SELECT pg_catalog.\"domain_in\"('x', 16400, -1)",
        "SELECT array_in('{x}', 16400, -1), record_in('(x)', 16400, -1)",
        "SELECT query_to_xml('SELECT 1', true, true, '')",
        "SELECT * FROM pg_catalog.\"ts_stat\" ('SELECT 1')",
        "SELECT * FROM public.xpath_table('id', 'body', 'page', '/a', 'true') AS x (id int)",
        "SELECT 1\n-- rls_context 16400",
    ] {
        assert!(
            matches!(refused(sql), Some(Refusal::ContextChange(_))),
            "{sql}"
        );
    }

    for sql in [
        "SELECT 'rls_context_any', array_in FROM t",
        "SELECT my_rls_context_any FROM t",
        "SELECT a AS rls_contexts FROM t",
    ] {
        assert_eq!(refused(sql), None, "{sql}");
    }
}

#[test]
fn transaction_control_is_refused_wherever_it_hides() {
    for sql in [
        "COMMIT",
        " ; commit work",
        "/* x */ RollBack",
        "END",
        "ABORT",
        "begin",
        "START TRANSACTION",
        "PREPARE TRANSACTION 'x'",
        "SAVEPOINT a",
        "RELEASE a",
        "ROLLBACK TO a",
        "SELECT ';'; COMMIT",
        "SELECT $a$;$a$;COMMIT AND CHAIN",
        "-- c\nCOMMIT",
        "SELECT E'\\';'; COMMIT",
    ] {
        assert!(
            matches!(refused(sql), Some(Refusal::TransactionControl(_))),
            "{sql}"
        );
    }
}

/// FAULTS A21, M9. `READ WRITE` lifts a read-only scope; the rest comes after the first query, which
/// is the library's own.
#[test]
fn transaction_is_not_changed_by_text() {
    for sql in [
        "SET TRANSACTION READ WRITE",
        "SET LOCAL TRANSACTION READ WRITE",
        "SET TRANSACTION READ ONLY, READ WRITE",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET TRANSACTION READ ONLY, ISOLATION LEVEL REPEATABLE READ",
        "SET TRANSACTION SNAPSHOT '00000003-1'",
        "SET TRANSACTION NOT DEFERRABLE",
        "set local transaction_read_only to off",
        "SET LOCAL \"transaction_read_only\" = off",
        "SET LOCAL transaction_isolation = 'serializable'",
        "SELECT 1; SET TRANSACTION READ WRITE",
    ] {
        assert!(
            matches!(refused(sql), Some(Refusal::TransactionControl(_))),
            "{sql}"
        );
    }
}

#[test]
fn context_changes_are_refused() {
    for sql in [
        "SET app.user_id = 'x'",
        "set local \"app\".\"user_id\" to 'x'",
        "SET SESSION App.User_Id = 'x'",
        "RESET app.user_id",
        "RESET ALL",
        "DISCARD ALL",
        "SET ROLE other",
        "SET LOCAL ROLE other",
        "RESET ROLE",
        "SET SESSION AUTHORIZATION other",
        "SET rls.actor = 'x'",
        "SET LOCAL client_encoding = 'SJIS'",
        "SET NAMES 'SJIS'",
        "SELECT set_config('client_encoding', 'SJIS', true)",
        "SELECT 1; SET app.user_id = 'x'",
        "EXECUTE sqlx_s_1('x')",
        "/* a */ execute \"sqlx_s_1\" ($1)",
        "EXPLAIN (ANALYZE) EXECUTE sqlx_s_1('x')",
        "explain analyze verbose execute sqlx_s_1",
        "CREATE TABLE t AS EXECUTE sqlx_s_1('x')",
        "create unlogged table if not exists t (a) as execute function('x')",
        "SELECT 1; EXECUTE sqlx_s_1('x')",
        "CREATE AGGREGATE a (text, boolean) (sfunc = set_config, stype = text)",
        "CREATE OPERATOR ### (FUNCTION = pg_catalog.\"set_config\", RIGHTARG = text)",
        "CREATE TABLE U&\"pg_t\\0065mp\".task (id int)",
        "SET LOCAL U&\"app\".\"user_id\" = 'x'",
        "CREATE TABLE U&\"pg!005ftemp\" UESCAPE '!' .task (id int)",
        "UPDATE U&\"pg\\005fsettings\" SET setting = 'x' WHERE name = 'application_name'",
        "SET LOCAL app.u&\"user\\005fid\" = 'x'",
        "SELECT U&\"d\\0061ta\" FROM t",
    ] {
        assert!(
            matches!(refused(sql), Some(Refusal::ContextChange(_))),
            "{sql}"
        );
    }
}

/// The server joins the parts of a string before it looks what stands behind.
#[test]
fn parts_of_a_string_hide_nothing() {
    for name in ["s!0065t_config", "set_config"] {
        let sql = format!("SELECT U&\"{name}\" UESCAPE '!'\n'' ('app.user_id', 'x', true)");
        assert!(
            matches!(refused(&sql), Some(Refusal::ContextChange(_))),
            "{sql}"
        );
    }

    for tail in [
        ", set_config('app.user_id', 'x', true) FROM t",
        " FROM t; COMMIT",
    ] {
        assert!(
            refused(&format!("SELECT U&\"x\" uescape$${tail}")).is_some(),
            "{tail}"
        );
    }

    assert!(refused("SELECT U&\"pg_n!006ftify\" UESCAPE '!'\n'' ('a', 'b')").is_some());
    assert!(refused("CREATE TABLE U&\"pg!005ftemp\" UESCAPE '!'\n'' .task (id int)").is_some());
    assert!(refused("SET LOCAL search_path = U&'pg\\005ftemp'").is_some());
    assert!(refused("SET LOCAL search_path = 'pg_'\n'temp'").is_some());

    for bits in ["B", "x"] {
        let tail = format!("{bits}'\\' = '\\' ' || {bits}'\\' ); COMMIT; --'");
        assert!(
            refused(&format!("ALTER TABLE IF EXISTS nope ADD CHECK ({tail}")).is_some(),
            "{tail}"
        );
    }
}

/// Whatever `standard_conforming_strings` says, which a role or a database can have switched off.
#[test]
fn backslashes_are_read_both_ways() {
    let hidden = r"SELECT '\'', set_config($$app.user_id$$, $$x$$, true) --'";
    assert!(matches!(refused(hidden), Some(Refusal::ContextChange(_))));
    assert!(
        refused(r"SELECT set_config('a.b\x', 'x', true)").is_some(),
        "its name may be any"
    );
    assert!(refused(r"SELECT '\'; COMMIT; --'").is_some());
    assert!(refused(r"SELECT '\''; COMMIT; --'").is_some());
    assert_eq!(
        refused(r"SELECT * FROM t WHERE a LIKE '%\%' ESCAPE '\' ORDER BY b"),
        None
    );

    // What the other reading leaves open is an error to the server.
    assert_eq!(
        refused(r"SELECT * FROM t WHERE p = 'C:\' AND q = 'create temp table'"),
        None
    );
    assert_eq!(
        refused(r"UPDATE f SET path = 'C:\dir\', note = 'x set_config(y)' WHERE id = 1"),
        None
    );
    assert_eq!(
        refused(r"INSERT INTO t VALUES ('C:\', 'first; end of list')"),
        None
    );

    assert!(holds_code(
        r"SELECT '\''; DO $$ BEGIN END $$ --'",
        Protocol::Simple
    ));
}

#[test]
fn what_outlives_the_scope_is_refused() {
    for sql in [
        "SET search_path = a",
        "RESET statement_timeout",
        "PREPARE p AS SELECT 1",
        "CREATE TEMP TABLE t (id int)",
        "create temporary view v as select 1",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "DECLARE c BINARY BINARY BINARY BINARY BINARY BINARY BINARY BINARY BINARY BINARY BINARY \
         BINARY BINARY BINARY \
         CURSOR WITH HOLD FOR SELECT 1",
        "LISTEN a",
        "DEALLOCATE ALL",
        "ALTER ROLE CURRENT_USER SET search_path = a",
        "alter user me password 'x'",
        "ALTER DATABASE d SET search_path = a",
        "DROP OWNED BY someone",
        "drop /* */ owned by me cascade",
        "CREATE TABLE pg_temp.task (LIKE public.task)",
        "create table \"pg_temp\".task as select 1",
        "CREATE TABLE PG_TEMP_3 . task (id int)",
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE TEMPORARY VIEW task AS SELECT 1",
        "SELECT * INTO TEMP task FROM public.task",
        "WITH a AS (SELECT 1) SELECT * INTO LOCAL TEMPORARY TABLE task FROM a",
        "SELECT * INTO pg_temp.task FROM public.task",
        "EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1",
        "UPDATE pg_settings SET setting = 'x' WHERE name = 'application_name'",
        "update only pg_catalog.\"pg_settings\" set setting = 'x'",
        "UPDATE ONLY (pg_catalog.pg_settings) SET setting = 'x'",
        "UPDATE only (db.pg_catalog.pg_settings) SET setting = 'x'",
        "SELECT 1 AS insert INTO TEMP task",
        "(SELECT (1) merge INTO TEMP task)",
        "SET LOCAL search_path = pg_temp",
        "set local search_path to 'pg_temp', public",
        "SET LOCAL search_path = \"$user\", pg_temp",
        "SET LOCAL search_path TO nowhere, \"pg_temp\"",
        "SELECT set_config('search_path', 'nowhere,  \"pg_temp\"', true)",
        "SET LOCAL SCHEMA 'pg_temp'",
        "SET LOCAL search_path = E'pg\\x5ftemp'",
        "SELECT set_config('search_path', ' \"pg_temp\", public', true)",
    ] {
        assert!(
            matches!(refused(sql), Some(Refusal::OutlivesScope(_))),
            "{sql}"
        );
    }
}

#[test]
fn set_config_passes_where_name_and_scope_are_seen_and_harmless() {
    for sql in [
        "SELECT set_config('app.user_id', $1, true)",
        "SELECT 1 WHERE pg_catalog . Set_Config ( 'App.User_Id' , 'x', true) = 'y'",
        r#"SELECT "set_config"('role', 'x', true)"#,
        "SELECT set_config('rls.actor', 'x', true)",
        "SELECT set_config($1, $2, true)",
        "SELECT pg_catalog.U&\"\\0073et_config\"('app.user_id', 'x', true)",
        "SELECT U&\"s!0065t_config\" /* x */ UESCAPE -- y\n '!' ('app.user_id', 'x', true)",
        "SELECT E'a' --\n '\\'', set_config('app.user_id', 'x', true) --'",
        "SET LOCAL standard_conforming_strings = off",
        "SELECT set_config('standard_conforming_strings', 'off', true)",
        "SELECT set_config(E'app.user\\x5fid', 'x', true)",
        "SELECT set_config('app.user' '_id', 'x', true)",
        "SELECT 1; UPDATE t SET a = set_config(b, c, true)",
    ] {
        assert!(
            matches!(refused(sql), Some(Refusal::ContextChange(_))),
            "{sql}"
        );
    }

    for sql in [
        "SELECT set_config('search_path', 'x', false)",
        "SELECT set_config('search_path', f(1, true), $1)",
        "SELECT set_config('search_path', 'x', NOT true)",
        "SELECT set_config('a.b', 'x', true), set_config('a.b', 'x', false)",
        "SELECT set_config('a.b', 'x'",
    ] {
        assert!(
            matches!(refused(sql), Some(Refusal::OutlivesScope(_))),
            "{sql}"
        );
    }

    for sql in [
        "SELECT set_config('audit.reason', f($1, 'x'), true)",
        "SELECT 'set_config(' || set_config FROM t",
        "SELECT é_set_config_é FROM \u{a0}set_confi",
    ] {
        assert_eq!(refused(sql), None, "{sql}");
    }
}

#[test]
fn code_blocks_are_known_by_their_first_word() {
    for sql in [
        "do $$ BEGIN END $$",
        " /* a */ ;Do LANGUAGE plpgsql 'BEGIN END'",
        "DO'BEGIN END'",
    ] {
        assert!(
            holds_code(sql, Protocol::Extended) && holds_code(sql, Protocol::Simple),
            "{sql}"
        );
    }

    assert!(holds_code("SELECT 1; DO $$ BEGIN END $$", Protocol::Simple));

    for sql in [
        "",
        "SELECT 'DO'",
        "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
        "\"do\" $$ $$",
        "SELECT ';' DO",
    ] {
        assert!(!holds_code(sql, Protocol::Simple), "{sql}");
    }
}

#[test]
fn space_that_is_a_name_to_the_server_hides_nothing() {
    let hides = "SELECT 1 AS \u{a0}$t$; COMMIT; SELECT 2 AS \u{a0}$t$";
    assert!(matches!(
        refused(hides),
        Some(Refusal::TransactionControl(_))
    ));
}

#[test]
fn copy_is_refused_whatever_it_copies() {
    for sql in [
        "COPY t FROM STDIN",
        "copy (SELECT 1) TO STDOUT",
        "SELECT 1; COPY t TO STDOUT",
    ] {
        assert_eq!(refused(sql), Some(Refusal::Copy), "{sql}");
    }
}

#[test]
fn everything_else_passes() {
    for sql in [
        "DECLARE c CURSOR FOR WITH hold AS (SELECT 1) SELECT * FROM hold",
        "SELECT 'COMMIT; SET ROLE x'",
        "SELECT 1 -- ; COMMIT",
        "SELECT 1 /* ; COMMIT */",
        "SET LOCAL statement_timeout = 5",
        "SET TRANSACTION READ ONLY",
        "SET LOCAL TRANSACTION READ ONLY",
        "SET LOCAL transaction_timeout = 5",
        "CREATE TABLE temp (id int)",
        "INSERT INTO temp VALUES (1)",
        "WITH a AS (SELECT 1) INSERT INTO temp SELECT * FROM a",
        "WITH a AS (INSERT INTO temp SELECT 1 RETURNING 1) SELECT * FROM a",
        "EXPLAIN (ANALYZE) INSERT INTO local SELECT 1",
        "SET LOCAL search_path = public, \"$user\"",
        "SELECT set_config('search_path', 'public, pg_catalog', true)",
        "SELECT E'a'\n'\\'; COMMIT '",
        "MERGE INTO local USING other ON true WHEN MATCHED THEN DELETE",
        "SELECT temp, 'pg_temp.task', \"into\" FROM local",
        "SELECT setting FROM pg_settings",
        "UPDATE task SET title = U&'\\0061' WHERE global",
        "SELECT u & \"f\"(1), u & \"t\".\"bits\" FROM t",
        "ALTER TABLE task ADD COLUMN role text",
        "DO $$ BEGIN PERFORM 1; END $$",
        "UPDATE t SET role = 'x'",
        "SELECT execute FROM t",
        "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "GRANT EXECUTE ON FUNCTION f() TO x",
        "SELECT \"commit\" FROM t",
        "",
    ] {
        assert_eq!(refused(sql), None, "{sql}");
    }
}

#[test]
fn unterminated_text_ends_without_a_panic() {
    for sql in [
        "'",
        "\"",
        "/*",
        "$a$ x",
        "E'\\",
        "$",
        "--",
        "$é$ x $é",
        "1.5e3é",
        "/* /* */",
    ] {
        refused(sql);
    }
}

/// Texts of all that matters here, in any order: what the closer look would refuse must be a
/// suspect in the first one.
#[test]
fn whatever_is_refused_gets_the_closer_look() {
    const PARTS: [&str; 54] = [
        "SELECT",
        "*",
        "INTO",
        "FROM",
        "task",
        "TEMP",
        "temporary",
        "Local",
        "GLOBAL",
        "CREATE",
        "OR",
        "REPLACE",
        "TABLE",
        "UPDATE",
        "ONLY",
        "pg_catalog",
        ".",
        "pg_settings",
        "\"PG_SETTINGS\"",
        "\"pg_temp\"",
        "pg_temp_3",
        "U",
        "&",
        "U&\"pg_t\\0065mp\"",
        "set_config",
        "\"set_config\"",
        "(",
        "'app.user_id'",
        "'role'",
        ",",
        "true",
        ")",
        ";",
        "SET",
        "RESET",
        "ROLE",
        "app",
        "\"user_id\"",
        "DO",
        "$$ COMMIT $$",
        "COMMIT",
        "/* ; */",
        "-- x\n",
        "INSERT",
        "_rls_context_any",
        "pg_input_is_valid",
        "$1",
        "EXECUTE",
        "EXPLAIN",
        "AS",
        "ALTER",
        "DROP",
        "OWNED",
        "-- rls_context 1\n",
    ];

    let mut random = StdRng::seed_from_u64(1);
    let carries = |name: &str| name == "app.user_id";
    let mut refused = 0;

    for _ in 0..200_000 {
        let parts =
            (0..random.random_range(1..9)).map(|_| PARTS[random.random_range(0..PARTS.len())]);
        let sql = parts
            .collect::<Vec<_>>()
            .join([" ", ""][random.random_range(0..2)]);

        for protocol in [Protocol::Extended, Protocol::Simple] {
            let closer = closer_look(&sql, protocol, &carries);
            refused += u32::from(closer.is_some());

            assert_eq!(
                classify(&sql, protocol, &Seen::default(), &carries).err(),
                closer,
                "{sql}"
            );
        }
    }

    assert!(refused > 10_000, "{refused}");
}
