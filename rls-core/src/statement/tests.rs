use super::*;

fn refused(sql: &str) -> Option<Refusal> {
    refusal(sql, Protocol::Simple, &|name| name == "app.user_id")
}

#[test]
fn prepared_text_is_judged_by_its_one_statement() {
    let refused = |sql| refusal(sql, Protocol::Extended, &|_| false);
    assert!(refused(" ;; /* a */ COMMIT").is_some());
    assert!(refused("SET SESSION /* a */ ROLE x").is_some());
    assert_eq!(refused("INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"), None);
}

#[test]
fn reads_are_reads() {
    for sql in [
        "SELECT 1",
        r#"SELECT "task"."id", CAST("s" AS "text") FROM "task" WHERE "id" IN ($1, $2) LIMIT 3"#,
        "  /* a /* nested */ comment */ -- and this\n select count(*) from t where x = 'for update; commit'",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        r#"SELECT COUNT(*) AS num_items FROM (SELECT "a" FROM "t") AS "sub_query""#,
        "(SELECT 1) UNION (SELECT 2)",
        "SELECT $1, $tag$ INSERT; $tag$ , E'it\\'s INSERT'",
        "TABLE t",
    ] {
        assert_eq!(effect(sql), Effect::Read, "{sql}");
    }
}

#[test]
fn whatever_may_write_is_not_a_read() {
    for sql in [
        "",
        "INSERT INTO t VALUES (1)",
        "SELECT pg_notify('a', 'b')",
        "SELECT nextval('s')",
        "SELECT public.lower('x')",
        r#"SELECT "f"(1)"#,
        "SELECT 1 FOR UPDATE",
        "SELECT 1 INTO x",
        "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
        "SELECT 1; DELETE FROM t",
        "CALL p()",
        "EXPLAIN ANALYZE DELETE FROM t",
        "SELECT * FROM f /* c */ (1)",
    ] {
        assert_eq!(effect(sql), Effect::Unknown, "{sql}");
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
        assert!(matches!(refused(sql), Some(Refusal::TransactionControl(_))), "{sql}");
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
        "SELECT 1; SET app.user_id = 'x'",
    ] {
        assert!(matches!(refused(sql), Some(Refusal::ContextChange(_))), "{sql}");
    }
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
        "LISTEN a",
        "SET LOCAL U&\"app\".\"user_id\" = 'x'",
    ] {
        assert!(matches!(refused(sql), Some(Refusal::OutlivesScope(_))), "{sql}");
    }
}

#[test]
fn space_that_is_a_name_to_the_server_hides_nothing() {
    let hides = "SELECT 1 AS \u{a0}$t$; COMMIT; SELECT 2 AS \u{a0}$t$";
    assert!(matches!(refused(hides), Some(Refusal::TransactionControl(_))));
}

#[test]
fn everything_else_passes() {
    for sql in [
        "SELECT 'COMMIT; SET ROLE x'",
        "SELECT 1 -- ; COMMIT",
        "SELECT 1 /* ; COMMIT */",
        "SET LOCAL statement_timeout = 5",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "CREATE TABLE temp (id int)",
        "DO $$ BEGIN PERFORM 1; END $$",
        "UPDATE t SET role = 'x'",
        "SELECT \"commit\" FROM t",
        "",
    ] {
        assert_eq!(refused(sql), None, "{sql}");
    }
}

#[test]
fn unterminated_text_ends_without_a_panic() {
    for sql in ["'", "\"", "/*", "$a$ x", "E'\\", "$", "--", "$é$ x $é", "1.5e3é", "/* /* */"] {
        effect(sql);
        refused(sql);
    }
}
