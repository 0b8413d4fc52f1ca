//! What `limits.md` says and no test of another module shows: mostly what is not protected.

mod code;
mod nineteen;
mod session;
mod tables;

use sea_orm::sqlx::{Connection, PgConnection};
use sea_orm::{ActiveModelTrait, Set};
use uuid::Uuid;

use crate::fixture::{Fixture, config, task};

/// Ann and Bob with a task each, and contexts that nobody signs: that is what the page speaks of.
async fn with_tasks(connections: u32) -> (Fixture, task::Model, task::Model) {
    let server = testbed::server().unwrap();
    let fixture = Fixture::configured(server, config, connections, |_| {}).await;
    let new_task = |title: &str| task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set(title.to_owned()),
        rank: Set(1),
        ..Default::default()
    };

    let hers = new_task("ann's").insert(&fixture.ann()).await.unwrap();
    let his = new_task("bob's").insert(&fixture.bob()).await.unwrap();
    (fixture, hers, his)
}

/// A session as the application's role, in Ann's context: another program, or an injected statement.
async fn session(fixture: &Fixture) -> PgConnection {
    let role = fixture.config.app_role().as_str();
    let url = fixture.database.url_as(role, "app password'\\");
    let mut session = PgConnection::connect(&url).await.unwrap();
    run(
        &mut session,
        &format!("SET app.user_id = '{}'", fixture.ann),
    )
    .await
    .unwrap();
    session
}

/// Runs text in a session, and returns the error's SQLSTATE and message.
async fn run(session: &mut PgConnection, sql: &str) -> Result<(), (String, String)> {
    use sea_orm::sqlx::{AssertSqlSafe, raw_sql};

    match raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(session)
        .await
    {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = error.into_database_error().unwrap();
            let state = error.code().unwrap().into_owned();
            Err((state, error.message().to_owned()))
        }
    }
}
