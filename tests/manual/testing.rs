use crate::Tested;
use crate::world::{World, task, world};

mod kit {
    use crate::first_steps::migration::Migrator;
    use crate::first_steps::notes::{note, user};

    // snippet
    use sea_orm::EntityTrait;
    use sea_orm_rls::registry;
    use sea_orm_rls::testing::{TestDatabase, TestError};

    #[sea_orm_rls::test(migrator = Migrator, registry = registry![user::Entity, note::Entity])]
    async fn users_are_kept_apart(db: TestDatabase) -> Result<(), TestError> {
        let [ann, bob] = db.users().await?;
        let hers = db.fixture::<note::Entity>(&ann).await?;
        let found = note::Entity::find_by_id(hers.id)
            .one(&db.scope_of(&bob))
            .await?;
        assert_eq!(found, None);

        db.assert_isolated().await
    }
    // end
}

#[tokio::test]
async fn a_test_lets_two_users_exist() -> Tested {
    use sea_orm::{EntityTrait, PaginatorTrait};
    use sea_orm_rls::UserContext;

    let World { db, ann, bob, .. } = &world().await?;

    // snippet
    let hers = db.scope(UserContext::new(*ann));
    let his = db.scope(UserContext::new(*bob));

    let task = task::Entity::find().one(&his).await?;
    let task = task.ok_or("Bob has a task")?;
    let found = task::Entity::find_by_id(task.id).one(&hers).await?;
    assert_eq!(found, None);
    let deleted = task::Entity::delete_by_id(task.id).exec(&hers).await?;
    assert_eq!(deleted.rows_affected, 0);
    assert_eq!(task::Entity::find().count(&his).await?, 1);
    // end

    Ok(())
}

mod migrated {
    use crate::first_steps::migration::Migrator;
    use crate::first_steps::notes::{note, user};

    // snippet
    use sea_orm::{Database, DatabaseConnection};
    use sea_orm_migration::MigratorTraitSelf;
    use sea_orm_rls::migration::RlsMigrator;
    use sea_orm_rls::{RlsConfig, RlsConnection, registry};

    /// `url` is of an empty database, and logs in as the migrations do.
    async fn migrated(url: &str) -> Result<RlsConnection, Box<dyn std::error::Error>> {
        let config = RlsConfig::new()
            .app_login("notes_test_app", "app secret")?
            .admin_login("notes_test_admin", "admin secret")?;
        let entities = registry![user::Entity, note::Entity]?;

        let owner: DatabaseConnection = Database::connect(url).await?;
        RlsMigrator::with(Migrator, entities.clone(), config.clone())
            .up(&owner, None)
            .await?;

        Ok(RlsConnection::connect_with(url, config, entities).await?)
    }
    // end

    #[tokio::test]
    async fn a_test_migrates() -> crate::Tested {
        let database = testbed::server()?.database("migrated").await?;
        let db = migrated(&database.url()).await?;
        assert_eq!(db.registry().scopes().len(), 2);
        Ok(())
    }
}

#[tokio::test]
async fn the_proof_holds_for_a_migrated_database() -> Tested {
    use sea_orm_rls::testing::IsolationProof;

    let World { owner, db, .. } = &world().await?;

    // snippet
    let proof = IsolationProof::new(db.registry());
    let report = proof.run(owner, db).await?; // `owner` logs in as the migrations do
    println!("{report}"); // one line per table, one column per command
    report.assert_isolated();

    // The proof sees a database that is broken on purpose.
    proof.control(owner, db).await?.assert_seeing();
    // end

    Ok(())
}
