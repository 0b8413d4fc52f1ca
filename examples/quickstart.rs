//! Row-level security from a derive to isolated rows, in one file:
//! `cargo run --example quickstart`.
//!
//! Finds or starts a PostgreSQL, migrates, and lets two users write and read.
#![allow(
    unnameable_types,
    unreachable_pub,
    reason = "SeaORM's entities are public, in private modules too"
)]

use std::error::Error;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, Set, Statement,
};
use sea_orm_migration::MigratorTraitSelf;
use sea_orm_migration::prelude::{
    ColumnDef, MigrationName, MigrationTrait, MigratorTrait, SchemaManager, Table,
};
use sea_orm_rls::migration::RlsMigrator;
use sea_orm_rls::{AdminContext, Registry, RlsConfig, RlsConnection, RlsError, UserContext};
use uuid::Uuid;

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model] // adds `owner_id` and `owner`
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(user = super::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub title: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// An ordinary migration: no word of owners or policies.
struct CreateTables;

impl MigrationName for CreateTables {
    fn name(&self) -> &'static str {
        "m20260101_000001_create_tables"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateTables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let user = Table::create()
            .table(user::Entity)
            .col(
                ColumnDef::new(user::Column::Id)
                    .uuid()
                    .not_null()
                    .primary_key(),
            )
            .col(ColumnDef::new(user::Column::Name).string().not_null())
            .to_owned();

        let task = Table::create()
            .table(task::Entity)
            .col(
                ColumnDef::new(task::Column::Id)
                    .uuid()
                    .not_null()
                    .primary_key(),
            )
            .col(ColumnDef::new(task::Column::Title).string().not_null())
            .to_owned();

        manager.create_table(user).await?;
        manager.create_table(task).await
    }
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateTables)]
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = testbed::server()?;
    let database = server.database("quickstart").await?;

    match server.version() {
        Some(version) => println!(
            "{version}, started in {:.1} s\n",
            server.started_in().as_secs_f64()
        ),
        None => println!("the server of DATABASE_URL, in a database of its own\n"),
    }

    // Your deployment sets RLS_APP_PASSWORD and RLS_MAINTENANCE_ADMIN_PASSWORD and calls
    // `RlsConfig::from_env()`.
    let config = RlsConfig::new()
        .app_login(&database.role("rls_app_user"), "app secret")?
        .admin_login(&database.role("rls_maintenance_admin"), "admin secret")?;

    println!("1. Migrate, as the owner of the tables");

    let owner = sea_orm::Database::connect(database.url()).await?;
    RlsMigrator::with(Migrator, Registry::linked()?, config.clone())
        .up(&owner, None)
        .await?;
    println!("   tables `user` and `task`; owner column, policies and grants beside them");

    println!(
        "\n2. Two users write and read, as `{}`; no WHERE anywhere",
        config.app_role()
    );

    let db = RlsConnection::connect(database.url(), config.clone()).await?;
    let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());

    for (id, name, titles) in [
        (ann, "Ann", ["water the plants", "call Bob"]),
        (bob, "Bob", ["fix the roof", "rest"]),
    ] {
        let mine = db.scope(UserContext::new(id));
        user::ActiveModel {
            id: Set(id),
            name: Set(name.to_owned()),
        }
        .insert(&mine)
        .await?;

        for title in titles {
            let task = task::ActiveModel {
                id: Set(Uuid::new_v4()),
                title: Set(title.to_owned()),
                ..Default::default()
            };
            task.insert(&mine).await?; // `owner_id` is filled by the database
        }

        let tasks = task::Entity::find().all(&mine).await?;
        println!("   {name} sees: {}", titles_of(&tasks));
    }

    let nobody = task::Entity::find().all(&db.anonymous()).await?;
    println!("   nobody sees: {}", titles_of(&nobody));

    try_foreign_rows(&db, ann, bob).await?;

    println!("\n4. The maintenance administrator, with a name and a reason");

    let ops = db.admin(AdminContext::new("carol", "quickstart: show all rows")?);
    println!(
        "   sees: {}",
        titles_of(&task::Entity::find().all(&ops).await?)
    );

    println!("\n5. What PostgreSQL enforces, as pg_policies shows it");

    let policies = "SELECT policyname::text, lower(permissive), cmd, coalesce(qual, with_check)
                    FROM pg_policies WHERE tablename = 'task' ORDER BY policyname";
    for row in owner
        .query_all_raw(Statement::from_string(DbBackend::Postgres, policies))
        .await?
    {
        let (name, kind, command, expression): (String, String, String, String) =
            row.try_get_many_by_index()?;
        println!("   {name:<18} {kind:<12} {command:<7} {expression}");
    }

    db.close().await;
    Ok(())
}

async fn try_foreign_rows(db: &RlsConnection, ann: Uuid, bob: Uuid) -> Result<(), Box<dyn Error>> {
    println!("\n3. Ann tries Bob's rows");

    let as_ann = db.scope(UserContext::new(ann));
    let forged = task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set("forged".to_owned()),
        owner_id: Set(bob),
    };

    println!(
        "   insert in his name   {}",
        refused(forged.insert(&as_ann).await)
    );

    let hers = task::Entity::find()
        .one(&as_ann)
        .await?
        .ok_or("Ann has tasks")?;

    let moved = task::ActiveModel {
        owner_id: Set(bob),
        ..hers.into_active_model()
    };

    println!(
        "   move hers to him     {}",
        refused(moved.update(&as_ann).await)
    );

    let renamed = task::Entity::update_many()
        .col_expr(task::Column::Title, "taken".into())
        .filter(task::Column::OwnerId.eq(bob))
        .exec(&as_ann)
        .await?;

    println!(
        "   rename his           {} rows changed",
        renamed.rows_affected
    );

    let deleted = task::Entity::delete_many()
        .filter(task::Column::OwnerId.eq(bob))
        .exec(&as_ann)
        .await?;

    println!(
        "   delete his           {} rows deleted",
        deleted.rows_affected
    );

    Ok(())
}

fn titles_of(tasks: &[task::Model]) -> String {
    if tasks.is_empty() {
        return "no task".to_owned();
    }

    tasks
        .iter()
        .map(|task| task.title.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn refused(result: Result<task::Model, DbErr>) -> String {
    match result.map_err(RlsError::from) {
        Err(error @ RlsError::PolicyRefused { .. }) => format!("refused: {error}"),
        Err(error) => format!("failed otherwise: {error}"),
        Ok(_) => "SUCCEEDED, which must not be".to_owned(),
    }
}
