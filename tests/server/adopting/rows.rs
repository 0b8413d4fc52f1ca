//! Tables with rows and no owner's column.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, EntityTrait, PaginatorTrait};
use sea_orm_rls::schema::ensure_roles;
use sea_orm_rls::{AdminContext, RlsConnection, RlsSchema, UserContext, registry};
use uuid::Uuid;

use super::Watch;
use crate::fixture::{config, user};
use crate::schema::{database, text, texts};

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(user = crate::fixture::user::Entity, backfill = "SELECT id FROM \"user\" WHERE \
                                                            email = created_by")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub title: String,
        pub created_by: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const BEFORE: &str = r#"CREATE TABLE "user" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL UNIQUE);
    INSERT INTO "user" (email) VALUES ('ann'), ('bob'), ('cy');
    CREATE TABLE task (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), title text NOT NULL, created_by text NOT NULL);
    INSERT INTO task (title, created_by) SELECT 't' || i, (ARRAY['ann', 'bob', 'cy'])[1 + i % 3] FROM generate_series(1, 9000) i"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_without_owners_move_over_in_use() {
    let (database, owner) = database().await;
    owner.execute_unprepared(BEFORE).await.unwrap();

    let config = config(&database);
    let ann: Uuid = text(&owner, "SELECT id::text FROM \"user\" WHERE email = 'ann'")
        .await
        .parse()
        .unwrap();

    let before = texts(
        &owner,
        "SELECT id || ' ' || created_by FROM task ORDER BY id",
    )
    .await;

    // 1. The roles. They may do nothing yet, and someone who has their password looks all the
    //    while.
    ensure_roles(&owner, &config).await.unwrap();

    let watch = Watch::start(
        &database,
        &config,
        "app password'\\",
        format!("SET LOCAL app.user_id = '{ann}'"),
        "SELECT DISTINCT created_by FROM task",
        "ann",
    );

    // 2. The column, nullable, in a migration of the project's; the program as it was, with its own
    //    login, names the owner from here on.
    owner
        .execute_unprepared("ALTER TABLE task ADD COLUMN owner_id uuid")
        .await
        .unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, old) = (
        Arc::clone(&stop),
        Database::connect(database.url()).await.unwrap(),
    );

    let old_program = tokio::spawn(async move {
        let mut written = 0_usize;
        while !stopped.load(Ordering::Relaxed) {
            let insert = "INSERT INTO task (title, created_by, owner_id) SELECT 'meanwhile', \
                          email, id FROM \"user\"";
            written += usize::try_from(
                old.execute_unprepared(insert)
                    .await
                    .unwrap()
                    .rows_affected(),
            )
            .unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }

        written
    });

    tokio::time::sleep(Duration::from_millis(50)).await;

    // 3. What takes long, without stopping the program; then policies and grants, at once.
    let entities = registry![user::Entity, task::Entity].unwrap();
    let rls = RlsSchema::new(entities.clone(), config.clone());
    rls.prepare_online(&owner).await.unwrap();
    rls.sync(&owner).await.unwrap();
    assert!(rls.plan(&owner).await.unwrap().is_empty());

    // 4. The program's next version: the application's role, and no `WHERE`. Both versions run for
    //    a while.
    let db = RlsConnection::connect_with(database.url(), config, entities)
        .await
        .unwrap();
    let mine = task::Entity::find()
        .all(&db.scope(UserContext::new(ann)))
        .await
        .unwrap();

    assert!(
        mine.len() > 3000
            && mine
                .iter()
                .all(|task| task.created_by == "ann" && task.owner_id == ann)
    );
    stop.store(true, Ordering::Relaxed);

    let written = old_program.await.unwrap();
    assert!(written > 0);

    let seen = watch.end().await;
    assert!(seen.refused > 0 && seen.own > 0, "{seen:?}");
    assert_eq!(
        seen.nothing, 0,
        "what is granted is granted with its policies: {seen:?}"
    );

    let after = texts(
        &owner,
        "SELECT id || ' ' || created_by FROM task WHERE title <> 'meanwhile' ORDER BY id",
    )
    .await;

    assert_eq!(before, after, "no row is lost, and none is another's");

    let all = task::Entity::find()
        .count(&db.admin(AdminContext::new("tester", "counts").unwrap()))
        .await
        .unwrap();

    assert_eq!(usize::try_from(all).unwrap(), before.len() + written);

    let wrong = "SELECT count(*)::text FROM task JOIN \"user\" u ON u.id = owner_id WHERE u.email \
                 <> created_by";
    assert_eq!(text(&owner, wrong).await, "0");
}
