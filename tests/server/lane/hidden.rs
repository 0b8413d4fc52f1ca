//! What SQL text hides from whoever reads its words: code that changes the context, and what it
//! leaves in the session.

use futures_util::{StreamExt, TryStreamExt};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, PaginatorTrait, Statement,
    StreamTrait, TransactionTrait,
};
use sea_orm_rls::context::Settings;
use sea_orm_rls::{RlsError, RlsSchema, ScopedConnection};

use super::{drop_after, new_task};
use crate::fixture::{Fixture, entities, task};

fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Postgres, sql)
}

fn is_lost(error: &DbErr) -> bool {
    matches!(RlsError::from(error), RlsError::ScopeLost { .. })
}

async fn text(db: &impl ConnectionTrait, sql: &str) -> String {
    db.query_one_raw(statement(sql))
        .await
        .unwrap()
        .unwrap()
        .try_get_by_index(0)
        .unwrap()
}

/// Runs text in each of the ways there are.
async fn run(
    db: &(impl ConnectionTrait + StreamTrait),
    way: usize,
    sql: &str,
) -> Result<(), DbErr> {
    match way {
        0 => db.execute_unprepared(sql).await.map(drop),
        1 => db.execute_raw(statement(sql)).await.map(drop),
        2 => db.query_one_raw(statement(sql)).await.map(drop),
        3 => db.query_all_raw(statement(sql)).await.map(drop),
        _ => {
            db.stream_raw(statement(sql))
                .await?
                .try_for_each(|_| async { Ok(()) })
                .await
        }
    }
}

const WAYS: usize = 5;

/// Code that becomes another user, each a way of its own to write it.
fn becoming(user: uuid::Uuid) -> [String; 3] {
    [
        format!("DO $$ BEGIN SET LOCAL app.user_id = '{user}'; END $$"),
        format!(
            "/* x */ do language plpgsql 'BEGIN PERFORM set_config(''app.user_id'', ''{user}'', \
             true); END'"
        ),
        format!("DO $$ BEGIN EXECUTE 'RE' || 'SET app.user_id'; PERFORM '{user}'; END $$"),
    ]
}

/// FAULTS A8. Administrators see all rows anyway.
/// limits.md: "`DO` blocks as the application's role".
#[tokio::test]
async fn block_of_code_is_refused_unless_the_configuration_allows_it() {
    let fixture = Fixture::new(1).await;
    let harmless = "DO $$ BEGIN PERFORM 1; END $$";
    let in_a_row = "SELECT 1; /* x */ do 'BEGIN END'";

    for way in 0..WAYS {
        let refused = run(&fixture.ann(), way, harmless).await.unwrap_err();
        assert!(
            matches!(RlsError::from(&refused), RlsError::DoBlock),
            "{refused:?}"
        );
    }

    let transaction = fixture.ann().begin().await.unwrap();
    let refused = transaction.execute_unprepared(in_a_row).await.unwrap_err();
    assert!(
        matches!(RlsError::from(&refused), RlsError::DoBlock),
        "{refused:?}"
    );

    // Nothing was sent, so the transaction goes on.
    transaction.execute_unprepared("SELECT 1").await.unwrap();
    transaction.commit().await.unwrap();

    fixture.admin().execute_unprepared(harmless).await.unwrap();
    let allowing = Fixture::allowing_do().await;
    allowing.ann().execute_unprepared(in_a_row).await.unwrap();
}

/// limits.md: "hostile text in `execute_unprepared`".
#[tokio::test]
async fn code_that_changes_the_context_ends_the_scope() {
    let fixture = Fixture::allowing_do().await;
    new_task("bob's").insert(&fixture.bob()).await.unwrap();

    for sql in becoming(fixture.bob) {
        for way in 0..WAYS {
            let transaction = fixture.ann().begin().await.unwrap();
            new_task("lost").insert(&transaction).await.unwrap();
            assert!(
                is_lost(&run(&transaction, way, &sql).await.unwrap_err()),
                "{way}: {sql}"
            );
            assert!(
                is_lost(&task::Entity::find().all(&transaction).await.unwrap_err()),
                "nothing runs after it"
            );
            assert!(is_lost(&transaction.commit().await.unwrap_err()));

            let outside = run(&fixture.ann(), way, &sql).await.unwrap_err();
            assert!(is_lost(&outside), "{way}: {sql}: {outside:?}");
        }
    }

    assert_eq!(
        task::Entity::find().count(&fixture.admin()).await.unwrap(),
        1
    );
}

#[tokio::test]
async fn each_setting_of_the_context_is_asked_for() {
    let fixture = Fixture::allowing_do().await;
    let ann = Settings::new()
        .with("app.user_id", fixture.ann)
        .unwrap()
        .with("audit.reason", r"it's\ a 'reason")
        .unwrap();

    let transaction = fixture.db.scope(ann).begin().await.unwrap();
    transaction.execute_unprepared("SELECT 1").await.unwrap();

    let forged = "DO $$ BEGIN SET LOCAL audit.reason = 'another'; END $$";
    assert!(is_lost(
        &transaction.execute_unprepared(forged).await.unwrap_err()
    ));

    let transaction = fixture.db.anonymous().begin().await.unwrap();
    transaction.execute_unprepared("SELECT 1").await.unwrap();

    let [become_ann, ..] = becoming(fixture.ann);

    assert!(
        is_lost(
            &transaction
                .execute_unprepared(&become_ann)
                .await
                .unwrap_err()
        ),
        "a setting it leaves blank"
    );
}

/// limits.md: "hostile text in `execute_unprepared`".
#[tokio::test]
async fn code_that_changes_the_role_ends_the_scope() {
    let fixture = Fixture::allowing_do().await;
    let (app, other) = (fixture.config.app_role(), fixture.database.role("other"));
    let grant = format!("CREATE ROLE {other}; GRANT {other} TO {app}");

    fixture.owner.execute_unprepared(&grant).await.unwrap();
    for way in 0..WAYS {
        let transaction = fixture.ann().begin().await.unwrap();
        let sql = format!("DO $$ BEGIN SET LOCAL ROLE {other}; END $$");
        assert!(is_lost(&run(&transaction, way, &sql).await.unwrap_err()));
    }

    fixture
        .owner
        .execute_unprepared(&format!("DROP ROLE {other}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn code_that_keeps_the_context_runs_and_is_committed() {
    let fixture = Fixture::allowing_do().await;
    let insert =
        "DO $$ BEGIN INSERT INTO task (id, title, rank) VALUES (gen_random_uuid(), 't', 1); END $$";
    let transaction = fixture.ann().begin().await.unwrap();

    for way in 0..WAYS {
        run(&transaction, way, insert).await.unwrap();
    }

    transaction.commit().await.unwrap();
    for way in 0..WAYS {
        run(&fixture.ann(), way, insert).await.unwrap();
    }

    assert_eq!(
        task::Entity::find().count(&fixture.ann()).await.unwrap(),
        2 * WAYS as u64
    );
}

/// Its answer, which tells whether the scope still holds, is read by nobody.
#[tokio::test]
async fn dropped_code_ends_the_scope() {
    let fixture = Fixture::allowing_do().await;
    new_task("bob's").insert(&fixture.bob()).await.unwrap();

    let sql = format!(
        "DO $$ BEGIN PERFORM pg_sleep(0.02); SET LOCAL app.user_id = '{}'; END $$",
        fixture.bob
    );

    for way in 0..WAYS {
        for polls in 0..3 {
            let transaction = fixture.ann().begin().await.unwrap();
            let finished = drop_after(polls, run(&transaction, way, &sql))
                .await
                .is_some();

            match task::Entity::find().all(&transaction).await {
                Ok(rows) => assert!(
                    rows.is_empty() && polls == 0,
                    "{way} {polls}: another user's rows"
                ),
                Err(error) => assert!(is_lost(&error) && polls > 0, "{way} {polls}: {error:?}"),
            }

            assert!(!finished || polls > 1, "{way} {polls}");
        }
    }
}

/// A function of the application's own may call `set_config`. What it sets lasts to the end of its
/// statement.
/// limits.md: "a function of yours that calls `set_config`".
#[tokio::test]
async fn context_that_a_function_changed_is_set_again_by_the_next_statement() {
    let fixture = Fixture::allowing_do().await;
    fixture
        .owner
        .execute_unprepared(
            "CREATE FUNCTION become(text) RETURNS text LANGUAGE sql AS $$ SELECT \
             set_config('app.user_id', $1, true) $$",
        )
        .await
        .unwrap();
    new_task("bob's").insert(&fixture.bob()).await.unwrap();

    let transaction = fixture.ann().begin().await.unwrap();
    let become_bob = format!("SELECT become('{}')", fixture.bob);
    let count = "SELECT count(*)::text FROM task";

    text(&transaction, &become_bob).await;
    assert_eq!(text(&transaction, count).await, "0");

    text(&transaction, &become_bob).await;
    let rows = transaction
        .execute_unprepared("UPDATE task SET rank = 2")
        .await;
    assert_eq!(rows.unwrap().rows_affected(), 0);

    text(&transaction, &become_bob).await;
    let updates =
        "DO $$ BEGIN UPDATE task SET rank = 2; IF FOUND THEN RAISE 'bob''s'; END IF; END $$";
    transaction.execute_raw(statement(updates)).await.unwrap();
}

/// limits.md: "a function of yours that calls `set_config`".
#[tokio::test]
async fn revoked_set_config_is_what_stops_functions() {
    let fixture = Fixture::new(1).await;
    let sql = "CREATE FUNCTION become(text) RETURNS text LANGUAGE sql AS $$ SELECT \
         set_config('app.user_id', $1, true) $$;
               REVOKE EXECUTE ON FUNCTION set_config(text, text, boolean) FROM PUBLIC";
    fixture.owner.execute_unprepared(sql).await.unwrap();

    assert_context_is_not_set(&fixture).await;

    // Whoever connects now needs no `set_config`.
    let ann = fixture.connect_again().await.scope(fixture.ann_context());
    let become_bob = statement(&format!("SELECT become('{}')", fixture.bob));
    let error = RlsError::from(ann.query_one_raw(become_bob).await.unwrap_err());
    assert!(matches!(error, RlsError::MissingGrant { .. }), "{error:?}");

    new_task("one").insert(&ann).await.unwrap();
    let transaction = ann.begin().await.unwrap();
    new_task("two").insert(&transaction).await.unwrap();
    transaction.commit().await.unwrap();

    let rows = task::Entity::find().stream(&ann).await.unwrap();
    assert_eq!(rows.count().await, 2);
}

/// What a program finds that connected before something of the domains changed.
async fn assert_context_is_not_set(fixture: &Fixture) {
    let alone = new_task("closed").insert(&fixture.ann()).await;
    let transaction = fixture.ann().begin().await.unwrap();
    let within = new_task("closed").insert(&transaction).await;
    drop(transaction);

    for error in [alone.unwrap_err(), within.unwrap_err()] {
        let error = RlsError::from(error);
        assert!(matches!(error, RlsError::ContextNotSet { .. }), "{error:?}");
    }

    let gate = fixture.db.check_gate().await.unwrap_err();
    assert!(gate.to_string().contains("restart it"), "{gate}");
}

#[tokio::test]
async fn domain_that_was_made_again_fails_closed_until_a_restart() {
    let fixture = Fixture::new(1).await;
    let drop = "DROP DOMAIN \"rls_context_app.user_id\"";
    fixture.owner.execute_unprepared(drop).await.unwrap();
    let schema = RlsSchema::new(entities(), fixture.config.clone());
    schema.sync(&fixture.owner).await.unwrap();

    assert_context_is_not_set(&fixture).await;
    let again = fixture.connect_again().await;
    new_task("one")
        .insert(&again.scope(fixture.ann_context()))
        .await
        .unwrap();
    again.check_gate().await.unwrap();
}

/// Each has the domain among its parameters.
#[tokio::test]
async fn statement_that_was_prepared_cannot_be_run_by_text() {
    let fixture = Fixture::new(1).await;
    new_task("bob's").insert(&fixture.bob()).await.unwrap();
    task::Entity::find().all(&fixture.ann()).await.unwrap();

    for text in [
        format!("EXECUTE sqlx_s_1('{}')", fixture.bob),
        format!("EXPLAIN ANALYZE EXECUTE sqlx_s_1('{}')", fixture.bob),
        format!("CREATE TABLE t AS EXECUTE sqlx_s_1('{}')", fixture.bob),
    ] {
        let transaction = fixture.ann().begin().await.unwrap();
        for way in 0..WAYS {
            for refused in [
                run(&fixture.ann(), way, &text).await,
                run(&transaction, way, &text).await,
            ] {
                let refused = RlsError::from(refused.unwrap_err());
                assert!(
                    matches!(refused, RlsError::ContextChange { .. }),
                    "{refused:?}"
                );
            }
        }
    }
}

/// FAULTS A6: the server's own list, of each version, against that of the reader of text.
#[tokio::test]
async fn functions_that_run_text_are_refused() {
    let fixture = Fixture::new(1).await;
    let functions = "SELECT DISTINCT p.proname::text AS name FROM pg_proc p
                     WHERE p.pronamespace = 'pg_catalog'::regnamespace
                       AND (('query' = ANY (p.proargnames) AND p.proargtypes[0] = 'text'::regtype)
                            OR p.proname IN ('ts_stat', 'ts_rewrite')
                            OR p.proname LIKE 'pg\\_input\\_%')";
    let functions = fixture.owner.query_all_raw(statement(functions)).await;
    let functions = functions.unwrap();
    assert!(functions.len() >= 5, "{functions:?}");

    for function in functions {
        let name: String = function.try_get("", "name").unwrap();
        let call = format!("SELECT pg_catalog.{name}('SELECT 1')");
        let refused = fixture.ann().query_all_raw(statement(&call)).await;
        let refused = RlsError::from(refused.unwrap_err());
        assert!(
            matches!(refused, RlsError::ContextChange { .. }),
            "{name}: {refused:?}"
        );
    }
}

/// FAULTS A22.
#[tokio::test]
async fn copy_is_refused_and_costs_no_connection() {
    let fixture = Fixture::new(1).await;
    let before = process(&fixture.ann()).await;
    for way in 0..WAYS {
        let copy = run(&fixture.ann(), way, "COPY task TO STDOUT").await;
        let refused = RlsError::from(copy.unwrap_err());
        assert!(matches!(refused, RlsError::Copy), "{refused:?}");
    }

    assert_eq!(process(&fixture.ann()).await, before);
}

/// FAULTS A5: a schema before `pg_temp` need not exist.
#[tokio::test]
async fn temporary_schema_is_in_no_path() {
    let fixture = Fixture::new(1).await;
    for text in [
        "SET LOCAL search_path = \"$user\", pg_temp; CREATE TABLE task (LIKE public.task)",
        "SELECT set_config('search_path', 'nowhere, pg_temp', true)",
    ] {
        let refused = fixture.ann().execute_unprepared(text).await.unwrap_err();
        let refused = RlsError::from(refused);
        assert!(
            matches!(refused, RlsError::OutlivesScope { .. }),
            "{refused:?}"
        );
    }
}

/// Of a pool of one, which of the server's processes it is.
async fn process(db: &ScopedConnection) -> String {
    text(db, "SELECT pg_backend_pid()::text").await
}

/// limits.md: "temporary tables and functions".
#[tokio::test]
async fn connection_that_ran_code_is_given_to_nobody() {
    let fixture = Fixture::allowing_do().await;
    let leave = "DO $$ BEGIN
                   PERFORM set_config('search_path', 'pg_catalog', false);
                   PERFORM set_config('default_transaction_read_only', 'on', false);
                   CREATE TEMP TABLE left_behind AS SELECT 1;
                 END $$";

    for way in 0..WAYS {
        for end in ["commit", "rollback", "drop", "none"] {
            let before = process(&fixture.ann()).await;
            if end == "none" {
                run(&fixture.ann(), way, leave).await.unwrap();
            } else {
                let transaction = fixture.ann().begin().await.unwrap();
                run(&transaction, way, leave).await.unwrap();

                match end {
                    "commit" => transaction.commit().await.unwrap(),
                    "rollback" => transaction.rollback().await.unwrap(),
                    _ => drop(transaction),
                }
            }

            assert_ne!(process(&fixture.bob()).await, before, "{way} {end}");
        }
    }

    new_task("written").insert(&fixture.ann()).await.unwrap();

    let before = process(&fixture.ann()).await;

    assert_eq!(
        process(&fixture.bob()).await,
        before,
        "other statements keep it"
    );
}

/// limits.md: "hostile text in `execute_unprepared`".
#[tokio::test]
async fn visible_set_config_is_refused() {
    let fixture = Fixture::new(1).await;
    let transaction = fixture.ann().begin().await.unwrap();

    for way in 0..WAYS {
        let context = format!("SELECT set_config('app.user_id', '{}', true)", fixture.bob);
        let error = RlsError::from(run(&transaction, way, &context).await.unwrap_err());
        assert!(matches!(error, RlsError::ContextChange { .. }), "{error:?}");

        let session = "SELECT set_config('search_path', 'pg_catalog', false)";
        let error = RlsError::from(run(&transaction, way, session).await.unwrap_err());
        assert!(matches!(error, RlsError::OutlivesScope { .. }), "{error:?}");

        run(
            &transaction,
            way,
            "SELECT set_config('audit.reason', 'x', true)",
        )
        .await
        .unwrap();
    }

    assert_eq!(
        text(&transaction, "SELECT current_setting('audit.reason')").await,
        "x"
    );
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn temporary_relation_of_a_table_s_name_is_not_left_to_the_next_user() {
    let fixture = Fixture::new(1).await;
    new_task("ann's").insert(&fixture.ann()).await.unwrap();

    for sql in [
        "CREATE TABLE pg_temp.task (LIKE public.task INCLUDING DEFAULTS)",
        "SELECT * INTO TEMP task FROM public.task",
        "CREATE OR REPLACE TEMPORARY VIEW task AS SELECT * FROM public.task",
    ] {
        let prepared = Statement::from_string(DbBackend::Postgres, sql);
        for refused in [
            fixture.ann().execute_unprepared(sql).await.unwrap_err(),
            fixture.ann().execute_raw(prepared).await.unwrap_err(),
        ] {
            assert!(
                matches!(RlsError::from(&refused), RlsError::OutlivesScope { .. }),
                "{sql}: {refused}"
            );
        }
    }

    assert!(
        task::Entity::find()
            .all(&fixture.bob())
            .await
            .unwrap()
            .is_empty()
    );
    new_task("bob's").insert(&fixture.bob()).await.unwrap();

    assert_eq!(
        task::Entity::find().count(&fixture.admin()).await.unwrap(),
        2,
        "each in the table itself"
    );
}
