pub mod notes {
    // snippet
    /// Who has notes: each row owns itself.
    pub mod user {
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

    /// Each note belongs to a user: the attribute adds `owner_id`, and the relation `owner`.
    pub mod note {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm_rls::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "note")]
        #[user_scoped(user = super::user::Entity)]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            pub text: String,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
    // end

    #[test]
    fn notes_belong_to_users() {
        sea_orm_rls::registry![user::Entity, note::Entity].unwrap();
    }
}

pub mod migration {
    use super::notes;

    // snippet
    use sea_orm_migration::{prelude::*, schema::*};

    use notes as _; // links the entities, and so registers them

    pub struct Migrator;

    #[async_trait::async_trait]
    impl MigratorTrait for Migrator {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            vec![Box::new(CreateTables)]
        }
    }

    struct CreateTables;

    impl MigrationName for CreateTables {
        fn name(&self) -> &str {
            "m20260101_000001_create_tables"
        }
    }

    #[async_trait::async_trait]
    impl MigrationTrait for CreateTables {
        async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            let user = Table::create()
                .table("user")
                .col(pk_uuid("id"))
                .col(string("name"))
                .to_owned();
            let note = Table::create()
                .table("note")
                .col(pk_uuid("id"))
                .col(text("text"))
                .to_owned();

            manager.create_table(user).await?;
            manager.create_table(note).await
        }

        async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            manager
                .drop_table(Table::drop().table("note").to_owned())
                .await?;
            manager
                .drop_table(Table::drop().table("user").to_owned())
                .await
        }
    }
    // end
}

mod migrate {
    use super::migration;

    // snippet
    use migration::Migrator;
    use sea_orm_rls::migration::{RlsMigrator, cli};

    #[tokio::main]
    async fn main() {
        cli::run_cli(RlsMigrator::new(Migrator)).await;
    }
    // end
}

mod program {
    use super::notes;

    // snippet
    use std::error::Error;
    use std::process::ExitCode;

    use notes::{note, user};
    use sea_orm::{ActiveModelTrait, EntityTrait, Set};
    use sea_orm_rls::{RlsConfig, RlsConnection, RlsError, UserContext};
    use uuid::Uuid;

    #[tokio::main]
    async fn main() -> ExitCode {
        match run().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}"); // what is wrong, and what to do; `Debug` says less
                ExitCode::FAILURE
            }
        }
    }

    async fn run() -> Result<(), Box<dyn Error>> {
        let url = std::env::var("DATABASE_URL")?;
        // Logs in as the application's role; an error if isolation would not hold.
        let db = RlsConnection::connect(url, RlsConfig::from_env()?).await?;

        let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
        for (id, name) in [(ann, "Ann"), (bob, "Bob")] {
            let mine = db.scope(UserContext::new(id));

            let user = user::ActiveModel {
                id: Set(id),
                name: Set(name.to_owned()),
            };
            user.insert(&mine).await?;

            let note = note::ActiveModel {
                id: Set(Uuid::new_v4()),
                text: Set(format!("a note of {name}'s")),
                ..Default::default() // the database fills `owner_id`
            };
            note.insert(&mine).await?;

            let notes = note::Entity::find().all(&mine).await?; // no `WHERE`
            let texts: Vec<_> = notes.iter().map(|note| &note.text).collect();
            println!("{name} sees {texts:?}");
        }

        let as_ann = db.scope(UserContext::new(ann));
        let forged = note::ActiveModel {
            id: Set(Uuid::new_v4()),
            text: Set("forged".to_owned()),
            owner_id: Set(bob),
        };
        if let Err(error) = forged.insert(&as_ann).await {
            println!("Ann writes in Bob's name: {}", RlsError::from(error));
        }

        let seen = note::Entity::find().all(&db.anonymous()).await?;
        println!("nobody sees {} notes", seen.len());

        db.close().await;
        Ok(())
    }
    // end
}
