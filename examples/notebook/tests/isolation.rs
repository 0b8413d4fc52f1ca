use notebook_entities::{Migrator, note};
use sea_orm_rls::testing::{TestDatabase, TestError};

#[sea_orm_rls::test(migrator = Migrator)]
async fn users_are_kept_apart(db: TestDatabase) -> Result<(), TestError> {
    let [ann, _bob] = db.users().await?;
    let note = db.fixture::<note::Entity>(&ann).await?;
    assert!(!note.text.is_empty());
    db.assert_isolated().await
}
