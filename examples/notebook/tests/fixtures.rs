//! Users and rows in one line.

use notebook_entities::{Migrator, note, notebook as book, reminder, tag, user};
use sea_orm_migration::sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait, Set};
use sea_orm_rls::registry;
use sea_orm_rls::testing::{Attempt, Fault, TestDatabase, TestError};

#[sea_orm_rls::test(migrator = Migrator)]
async fn rows_belong_to_the_user_for_whom_they_are_made(db: TestDatabase) -> Result<(), TestError> {
    let [ann, bob] = db.users().await?;
    let (hers, his) = (db.scope_of(&ann), db.scope_of(&bob));

    // The notebook that it belongs to is made too.
    let note = db.fixture::<note::Entity>(&ann).await?;
    let found = note::Entity::find_by_id(note.id);
    assert_eq!(found.clone().one(&hers).await?, Some(note));
    assert_eq!(found.one(&his).await?, None);
    assert_eq!(book::Entity::find().count(&hers).await?, 1);

    let tag = db.fixture::<tag::Entity>(&ann).await?;
    let reminder = db.fixture::<reminder::Entity>(&ann).await?;
    assert!(!tag.is_shared && reminder.deleted_at.is_none());
    assert_eq!(tag::Entity::find().count(&his).await?, 0);

    for scope in [&hers, &his] {
        assert_eq!(user::Entity::find().count(scope).await?, 1);
    }
    assert_eq!(user::Entity::find().count(db.owner()).await?, 2);

    let id = ann.setting("app.user_id").unwrap_or_default();
    let herself = user::Entity::find().one(&hers).await?;
    assert_eq!(herself.map(|user| user.id.to_string()).as_deref(), Some(id));
    Ok(())
}

#[sea_orm_rls::test(migrator = Migrator)]
async fn values_that_are_given_stay(db: TestDatabase) -> Result<(), TestError> {
    let [ann] = db.users().await?;
    let book = db.fixture::<book::Entity>(&ann).await?;

    let note = note::ActiveModel {
        notebook_id: Set(book.id),
        text: Set("rest".to_owned()),
        ..Default::default()
    };
    let note = db.fixture_with(&ann, note).await?;
    assert_eq!((note.notebook_id, note.text.as_str()), (book.id, "rest"));
    assert_eq!(book::Entity::find().count(&db.scope_of(&ann)).await?, 1);

    // Whose it is, is not among them.
    let [bob] = db.users().await?;
    let tag = tag::ActiveModel {
        owner_id: Set(book.owner_id),
        ..Default::default()
    };
    let his = db.fixture_with(&bob, tag).await?;
    assert_ne!(his.owner_id, book.owner_id);
    Ok(())
}

#[sea_orm_rls::test(migrator = Migrator)]
async fn row_that_the_server_refuses_is_an_error_with_its_reason(db: TestDatabase) {
    let [ann] = db.users().await.unwrap();
    let book = db.fixture::<book::Entity>(&ann).await.unwrap();
    let again = book::ActiveModel {
        id: Set(book.id),
        ..Default::default()
    };

    let error = db.fixture_with(&ann, again).await.unwrap_err().to_string();
    for words in ["public.notebook", "23505", "fixture_with"] {
        assert!(error.contains(words), "{error}");
    }
}

#[sea_orm_rls::test(
    migrator = Migrator,
    registry = registry![user::Entity, tag::Entity],
)]
async fn entities_are_listed_by_hand(db: TestDatabase) -> Result<(), TestError> {
    assert_eq!(db.connection().registry().scopes().len(), 2);
    db.assert_isolated().await
}

#[sea_orm_rls::test(migrator = Migrator)]
#[should_panic(expected = "users are not kept apart")]
async fn broken_database_fails_the_assertion(db: TestDatabase) {
    let open = "ALTER POLICY tag_owner_delete ON tag USING (true);
                ALTER POLICY tag_guard_delete ON tag USING (true)";
    db.owner().execute_unprepared(open).await.unwrap();
    db.assert_isolated().await.unwrap();
}

#[sea_orm_rls::test(migrator = Migrator)]
async fn control_tries_every_attempt_on_every_table(db: TestDatabase) -> Result<(), TestError> {
    let control = db.control().await?;
    for attempt in Attempt::EACH {
        let tried = control.trials().iter();
        assert!(
            tried.filter(|trial| trial.attempt == Some(attempt)).count() >= 5,
            "{attempt}"
        );
    }
    let alone = |trial: &&_| matches!(trial, sea_orm_rls::testing::Trial { fault: Fault::Open(of), .. } if of.len() == 1);
    assert!(control.trials().iter().filter(alone).count() > 100);
    println!("{control}");
    control.assert_seeing();

    // Nothing of it stays.
    db.assert_isolated().await
}
