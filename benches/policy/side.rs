//! The two sides of a comparison, each with one connection.

use std::time::{Duration, Instant};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
    TransactionTrait, Value,
};
use sea_orm_rls::{RlsConfig, RlsConnection, UserContext};
use uuid::Uuid;

use crate::entity;
use crate::work::{Kind, Parameters, Work};

/// How often a fast read runs in one turn; its mean counts, for the first ones find the caches full
/// of the other side's.
const AT_ONCE: u32 = 20;

/// A statement of one side, ready to run.
pub struct Prepared {
    pub before: &'static str,
    pub kind: Kind,
    pub statement: Statement,
}

#[expect(
    clippy::large_enum_variant,
    reason = "there are a few, and they are read more than they are moved"
)]
pub enum Side {
    Plain(DatabaseConnection),
    Scoped(RlsConnection),
}

impl Side {
    pub async fn plain(url: String) -> Self {
        Self::Plain(Database::connect(one_connection(url)).await.unwrap())
    }

    pub async fn scoped(url: String, config: &RlsConfig) -> Self {
        let db =
            RlsConnection::connect_with(one_connection(url), config.clone(), entity::registry())
                .await;
        Self::Scoped(db.unwrap())
    }

    pub fn prepare(&self, work: &Work, owner: Uuid, key: i64) -> Prepared {
        let (owner, key) = (Value::from(owner), Value::from(key));
        let (sql, parameters) = match (self, work.parameters) {
            (Self::Plain(_), Parameters::Key) => (work.plain, vec![key, owner]),
            (Self::Plain(_), Parameters::Owner | Parameters::OwnerOnBoth) => {
                (work.plain, vec![owner])
            }
            (Self::Scoped(_), Parameters::Key) => (work.scoped, vec![key]),
            (Self::Scoped(_), Parameters::Owner) => (work.scoped, vec![]),
            (Self::Scoped(_), Parameters::OwnerOnBoth) => (work.scoped, vec![owner]),
        };

        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, parameters);

        Prepared {
            before: work.before,
            kind: work.kind,
            statement,
        }
    }

    /// Runs the statement in a transaction of the owner's that is then rolled back. How long it
    /// took, and what it answered: the rows' first column, or how many were written.
    pub async fn run(&self, prepared: Prepared, owner: Uuid) -> (Duration, Vec<i64>) {
        match self {
            Self::Plain(db) => {
                let transaction = db.begin().await.unwrap();
                let answer = prepared.run(&transaction).await;
                transaction.rollback().await.unwrap();

                answer
            }
            Self::Scoped(db) => {
                let transaction = db.scope(UserContext::new(owner)).begin().await.unwrap();
                let answer = prepared.run(&transaction).await;
                transaction.rollback().await.unwrap();

                answer
            }
        }
    }
}

impl Prepared {
    async fn run(self, db: &impl ConnectionTrait) -> (Duration, Vec<i64>) {
        if !self.before.is_empty() {
            db.execute_unprepared(self.before).await.unwrap();
        }

        if self.kind == Kind::Write {
            let begun = Instant::now();
            let written = db.execute_raw(self.statement).await.unwrap();
            return (
                begun.elapsed(),
                vec![i64::try_from(written.rows_affected()).unwrap()],
            );
        }

        let times = if self.kind == Kind::IndexedRead {
            AT_ONCE
        } else {
            1
        };

        let (mut time, mut rows) = (Duration::ZERO, Vec::new());
        for _ in 0..times {
            let statement = self.statement.clone();
            let begun = Instant::now();
            rows = db.query_all_raw(statement).await.unwrap();
            time += begun.elapsed();
        }

        let mut answer: Vec<i64> = rows
            .iter()
            .map(|row| row.try_get_by_index(0).unwrap())
            .collect();

        answer.sort_unstable();
        (time / times, answer)
    }
}

fn one_connection(url: String) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).test_before_acquire(false);
    options
}
