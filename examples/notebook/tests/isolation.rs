use notebook_entities::{Migrator, note};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityTrait, Statement};
use sea_orm_rls::signing::SignedContexts;
use sea_orm_rls::testing::{TestDatabase, TestError};

#[sea_orm_rls::test(migrator = Migrator)]
async fn users_are_kept_apart(db: TestDatabase) -> Result<(), TestError> {
    let [ann, _bob] = db.users().await?;
    let note = db.fixture::<note::Entity>(&ann).await?;
    assert!(!note.text.is_empty());
    db.assert_isolated().await
}

/// As in a service with `RLS_SIGNED_CONTEXTS=required`.
#[sea_orm_rls::test(migrator = Migrator, signed_contexts = SignedContexts::Required)]
async fn users_are_kept_apart_by_signed_contexts(db: TestDatabase) -> Result<(), TestError> {
    let [ann, bob] = db.users().await?;
    let note = db.fixture::<note::Entity>(&ann).await?;
    for (user, found) in [(&ann, Some(&note)), (&bob, None)] {
        let mine = note::Entity::find_by_id(note.id);
        assert_eq!(mine.one(&db.scope_of(user)).await?.as_ref(), found);
    }

    // The other is the template's, which nobody has.
    assert_eq!(keys(&db).await?, (2, 1));
    assert!(policies_that_read_signed_contexts(&db).await? > 0);
    db.assert_isolated().await
}

/// While programs that sign nothing are still running.
#[sea_orm_rls::test(migrator = Migrator, signed_contexts = SignedContexts::Sent)]
async fn users_are_kept_apart_while_signed_contexts_are_sent(
    db: TestDatabase,
) -> Result<(), TestError> {
    assert_eq!(keys(&db).await?, (1, 1));
    assert_eq!(policies_that_read_signed_contexts(&db).await?, 0);
    db.assert_isolated().await
}

/// How many keys there are, and how many hold.
async fn keys(db: &TestDatabase) -> Result<(i64, i64), DbErr> {
    let count = "SELECT count(*), count(*) FILTER (WHERE ends_at > now()) FROM rls_signing_key";
    let row = db.owner().query_one_raw(statement(count)).await?;
    let row = row.ok_or(DbErr::RecordNotFound(count.to_owned()))?;
    Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))
}

async fn policies_that_read_signed_contexts(db: &TestDatabase) -> Result<i64, DbErr> {
    let count = "SELECT count(*) FROM pg_policies WHERE qual LIKE '%rls_signed_context%'";
    let row = db.owner().query_one_raw(statement(count)).await?;
    let row = row.ok_or(DbErr::RecordNotFound(count.to_owned()))?;
    row.try_get_by_index(0)
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Postgres, sql)
}
