//! An existing project moves over: its tables are in use all the while, nobody sees another's row
//! at any moment, and no row is lost.

mod policies;
mod rows;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbErr, TransactionTrait};
use sea_orm_rls::{RlsConfig, RlsError};
use tokio::task::JoinHandle;

/// What someone who looks again and again, as the application's role, met.
#[derive(Debug, Default)]
struct Seen {
    refused: usize,
    nothing: usize,
    own: usize,
    foreign: Vec<String>,
    failed: Vec<String>,
}

struct Watch {
    stop: Arc<AtomicBool>,
    watching: JoinHandle<Seen>,
}

impl Watch {
    /// Looks at `query`, whose rows say whose they are, after `set`, as the application's role.
    fn start(
        database: &testbed::Database,
        config: &RlsConfig,
        password: &str,
        set: String,
        query: &'static str,
        own: &str,
    ) -> Self {
        let url = database.url_as(config.app_role().as_str(), password);
        let (stop, own) = (Arc::new(AtomicBool::new(false)), own.to_owned());
        let stopped = Arc::clone(&stop);
        let watching = tokio::spawn(async move {
            let mut seen = Seen::default();
            let login = Database::connect(url).await.unwrap();

            while !stopped.load(Ordering::Relaxed) {
                match look(&login, &set, query).await {
                    Ok(rows) if rows.is_empty() => seen.nothing += 1,
                    Ok(rows) if rows.iter().all(|row| *row == own) => seen.own += 1,
                    Ok(rows) => seen.foreign.extend(rows),
                    Err(error)
                        if matches!(RlsError::from(&error), RlsError::MissingGrant { .. }) =>
                    {
                        seen.refused += 1;
                    }
                    Err(error) => seen.failed.push(error.to_string()),
                }

                tokio::time::sleep(Duration::from_millis(1)).await;
            }

            seen
        });

        Self { stop, watching }
    }

    async fn end(self) -> Seen {
        // Long enough to look once more at what is there now.
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.stop.store(true, Ordering::Relaxed);

        let seen = self.watching.await.unwrap();
        assert_eq!(
            (&seen.foreign, &seen.failed),
            (&Vec::new(), &Vec::new()),
            "{seen:?}"
        );

        seen
    }
}

async fn look(login: &DatabaseConnection, set: &str, query: &str) -> Result<Vec<String>, DbErr> {
    let transaction = login.begin().await?;
    transaction.execute_unprepared(set).await?;

    let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, query);
    let rows = transaction.query_all_raw(statement).await?;
    let rows = rows
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?;

    transaction.rollback().await?;
    Ok(rows)
}
