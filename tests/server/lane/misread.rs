//! Text that the server reads otherwise than the words tell, and code that no text shows.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, Statement,
    TransactionTrait,
};
use sea_orm_rls::{RlsConnection, RlsError};

use super::new_task;
use crate::fixture::{Fixture, entities, task};
use crate::schema::version;

/// Text that fools the reader of words: in SJIS `\x81\x5c` is one character, so the backslash that
/// seems to hide the quote's end is none. To set that encoding is refused, so a function does it.
/// limits.md: "hostile text in `execute_unprepared`".
#[tokio::test]
async fn hidden_commit_is_reported_and_nothing_runs_after_it() {
    let fixture = Fixture::new(1).await;
    let other = "CREATE FUNCTION other_encoding() RETURNS text LANGUAGE sql AS
                  $$ SELECT set_config('client_encoding', 'SJIS', true) $$";
    fixture.owner.execute_unprepared(other).await.unwrap();

    let transaction = fixture.ann().begin().await.unwrap();
    for setting in [
        "SET LOCAL standard_conforming_strings = off",
        "SET LOCAL client_encoding = 'SJIS'",
        "SET NAMES 'SJIS'",
    ] {
        let refused = RlsError::from(transaction.execute_unprepared(setting).await.unwrap_err());
        assert!(
            matches!(refused, RlsError::ContextChange { .. }),
            "{setting}: {refused:?}"
        );
    }

    transaction
        .execute_unprepared("SELECT other_encoding()")
        .await
        .unwrap();

    let hidden = r"SELECT E'Á\'; COMMIT --'";
    let error = RlsError::from(transaction.execute_unprepared(hidden).await.unwrap_err());
    assert!(matches!(error, RlsError::ScopeLost { .. }), "{error:?}");

    let after = RlsError::from(new_task("outside").insert(&transaction).await.unwrap_err());
    assert!(matches!(after, RlsError::ScopeLost { .. }), "{after:?}");

    let commit = RlsError::from(transaction.commit().await.unwrap_err());
    assert!(matches!(commit, RlsError::ScopeLost { .. }), "{commit:?}");

    assert_eq!(
        task::Entity::find().count(&fixture.ann()).await.unwrap(),
        0,
        "the pool gives another connection"
    );
}

/// To the server the first string goes on to the next quote then, and the call is none of its text.
#[tokio::test]
async fn role_that_reads_backslashes_as_escapes_hides_no_call() {
    let fixture = Fixture::new(1).await;
    new_task("bob's").insert(&fixture.bob()).await.unwrap();

    let alter = format!(
        "ALTER ROLE \"{}\" SET standard_conforming_strings = off",
        fixture.config.app_role()
    );

    // Since PostgreSQL 19 no server reads them so.
    if version(&fixture.owner).await >= 19 {
        let refused = fixture.owner.execute_unprepared(&alter).await.unwrap_err();
        let refused = RlsError::from(refused);
        assert_eq!(refused.sqlstate().as_deref(), Some("0A000"), "{refused}");
        return;
    }
    fixture.owner.execute_unprepared(&alter).await.unwrap();

    let db =
        RlsConnection::connect_with(fixture.database.url(), fixture.config.clone(), entities())
            .await
            .unwrap();

    let ann = db.scope(fixture.ann_context());
    let hidden = format!(
        r"SELECT '\'', set_config($$app.user_id$$, $${}$$, true) --'",
        fixture.bob
    );

    let hidden = Statement::from_string(DbBackend::Postgres, hidden);
    let transaction = ann.begin().await.unwrap();
    let refused = RlsError::from(transaction.query_all_raw(hidden).await.unwrap_err());

    assert!(
        matches!(refused, RlsError::ContextChange { .. }),
        "{refused:?}"
    );
    assert_eq!(task::Entity::find().count(&transaction).await.unwrap(), 0);
}

/// limits.md: "a pooled connection that still carries".
#[tokio::test]
async fn session_wide_setting_does_not_become_a_later_context() {
    let fixture = Fixture::new(1).await;
    new_task("ann's").insert(&fixture.ann()).await.unwrap();

    let leak = "CREATE FUNCTION leak(text) RETURNS text LANGUAGE sql AS
                $$ SELECT set_config('app.user_id', $1, false) $$";
    fixture.owner.execute_unprepared(leak).await.unwrap();

    let leak = Statement::from_string(
        DbBackend::Postgres,
        format!("SELECT leak('{}')", fixture.ann),
    );

    fixture.bob().execute_raw(leak).await.unwrap();
    assert_eq!(
        task::Entity::find()
            .count(&fixture.db.anonymous())
            .await
            .unwrap(),
        0
    );
    assert_eq!(task::Entity::find().count(&fixture.bob()).await.unwrap(), 0);
}
