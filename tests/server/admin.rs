//! What administrators and migrations do under row security, and what record it leaves.

mod forgery;
mod lookup;
mod maintenance;
mod messages;
mod read_only;
mod record;
mod table;
mod user;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sea_orm_rls::{AdminConnection, AdminContext};

use crate::fixture::Fixture;

/// A row of the audit's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub actor: String,
    pub reason: String,
    pub on_behalf_of: Option<String>,
    pub application: String,
    pub login: String,
    pub transaction: String,
    /// Whether the server's clock said so within the last minute.
    pub recent: bool,
}

/// What is recorded, as the migrations' login sees it.
pub async fn recorded(fixture: &Fixture) -> Vec<Recorded> {
    let sql = r#"SELECT actor, reason, on_behalf_of::text, application, login, "transaction"::text AS transaction,
                        at BETWEEN now() - interval '1 minute' AND now() AS recent
                 FROM rls_audit ORDER BY id"#;
    let rows = fixture
        .owner
        .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap();

    let text = |row: &sea_orm::QueryResult, column| row.try_get::<String>("", column).unwrap();

    rows.iter()
        .map(|row| Recorded {
            actor: text(row, "actor"),
            reason: text(row, "reason"),
            on_behalf_of: row.try_get("", "on_behalf_of").unwrap(),
            application: text(row, "application"),
            login: text(row, "login"),
            transaction: text(row, "transaction"),
            recent: row.try_get("", "recent").unwrap(),
        })
        .collect()
}

pub fn carol(fixture: &Fixture, reason: &str) -> AdminConnection {
    fixture.db.admin(because(reason))
}

pub fn because(reason: &str) -> AdminContext {
    AdminContext::new("carol", reason).unwrap()
}
