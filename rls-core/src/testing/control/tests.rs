//! The control fails if the proof is blind, whatever it does not see. A proof can be made blind only
//! here: no program can have one.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

use super::*;
use crate::testing::Blind;
use crate::{RlsConfig, RlsSchema, registry};

mod user {
    use sea_orm::entity::prelude::*;

    use crate::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity, grant(select), crate = crate)]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod task {
    use sea_orm::entity::prelude::*;

    use crate::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(user = super::user::Entity, crate = crate)]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) title: String,
        pub(crate) owner_id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod priority {
    use sea_orm::entity::prelude::*;

    use crate::Unscoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Unscoped)]
    #[sea_orm(table_name = "priority")]
    #[unscoped(reason = "the same for everyone", grant(select, update(rank)), crate = crate)]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) code: String,
        pub(crate) rank: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn world(database: &testbed::Database) -> (DatabaseConnection, RlsConnection) {
    let config = RlsConfig::new()
        .app_login(&database.role("app"), "app secret")
        .unwrap()
        .admin_login(&database.role("admin"), "admin secret")
        .unwrap();
    let entities = registry![user::Entity, task::Entity, priority::Entity as Unscoped].unwrap();

    let owner = Database::connect(database.url()).await.unwrap();
    let tables = "CREATE TABLE \"user\" (id uuid PRIMARY KEY);
                  CREATE TABLE task (id uuid PRIMARY KEY, title text NOT NULL);
                  CREATE TABLE priority (code text PRIMARY KEY, rank integer)";
    owner.execute_unprepared(tables).await.unwrap();
    let schema = RlsSchema::new(entities.clone(), config.clone());
    schema.sync(&owner).await.unwrap();

    let app = RlsConnection::connect_with(database.url(), config, entities);
    (owner, app.await.unwrap())
}

/// What the proof can be blind to, each with its name.
fn parts() -> Vec<(String, Blind)> {
    let attempts = Attempt::EACH.map(|part| -> (String, Blind) {
        let blind = move |attempt, _, _: &Outcome| attempt == Some(part);
        (part.to_string(), Box::new(blind))
    });
    let actors = Actor::EACH.map(|part| -> (String, Blind) {
        let blind = move |_, actor, _: &Outcome| actor == part;
        (part.to_string(), Box::new(blind))
    });
    let outcomes: [(&str, Blind); 3] = [
        (
            "leaks",
            Box::new(|_, _, outcome| matches!(outcome, Outcome::Leak { .. })),
        ),
        (
            "what proves nothing",
            Box::new(|_, _, outcome| matches!(outcome, Outcome::Vacuous { .. })),
        ),
        (
            "unregistered tables",
            Box::new(|attempt, _, _| attempt.is_none()),
        ),
    ];
    let outcomes = outcomes.map(|(name, blind)| (name.to_owned(), blind));

    attempts.into_iter().chain(actors).chain(outcomes).collect()
}

#[tokio::test]
async fn control_fails_if_the_proof_is_blind_in_any_of_its_parts() {
    let database = testbed::server()
        .unwrap()
        .database("control")
        .await
        .unwrap();
    let (owner, app) = world(&database).await;
    let mut proof = IsolationProof::new(app.registry());

    let healthy = proof.run(&owner, &app).await.unwrap();
    healthy.assert_isolated();
    let control = proof.control(&owner, &app).await.unwrap();
    control.assert_seeing();

    for (part, blind) in parts() {
        proof.blind = Some(blind);

        // The proof reports nothing amiss: only the control tells.
        let control = proof.control(&owner, &app).await.unwrap();
        assert!(!control.is_seeing(), "blind to {part}: {control}");
    }

    proof.blind = None;
    let healthy = proof.run(&owner, &app).await.unwrap();
    healthy.assert_isolated();
}

#[tokio::test]
async fn control_names_what_was_not_seen() {
    let database = testbed::server().unwrap().database("missed").await.unwrap();
    let (owner, app) = world(&database).await;
    let mut proof = IsolationProof::new(app.registry());
    proof.blind = Some(Box::new(|attempt, _, _| attempt == Some(Attempt::Move)));

    let said = proof.control(&owner, &app).await.unwrap().to_string();
    let words = "NOT SEEN: public.task: the policies for UPDATE let every row through: move as the \
                 first user reports nothing";
    assert!(said.contains(words), "{said}");
}
