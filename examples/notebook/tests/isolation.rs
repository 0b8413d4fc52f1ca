use notebook_entities::{Migrator, note};
use sea_orm_migration::sea_orm::EntityTrait;
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
    let found = async |user| {
        let found = note::Entity::find_by_id(note.id);
        found.one(&db.scope_of(user)).await
    };
    assert_eq!(
        (found(&ann).await?, found(&bob).await?),
        (Some(note.clone()), None)
    );
    assert_eq!(
        db.connection().config().signs_contexts(),
        SignedContexts::Required
    );
    db.assert_isolated().await
}

/// While programs that sign nothing are still running.
#[sea_orm_rls::test(migrator = Migrator, signed_contexts = SignedContexts::Sent)]
async fn users_are_kept_apart_while_signed_contexts_are_sent(
    db: TestDatabase,
) -> Result<(), TestError> {
    db.assert_isolated().await
}
