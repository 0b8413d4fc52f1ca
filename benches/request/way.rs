//! The ways to run a request's statements.

use std::fmt;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    Statement, TransactionTrait,
};
use sea_orm_rls::{AdminContext, ScopedConnection, UserContext};
use uuid::Uuid;

use crate::session::Session;
use crate::statement::{plain, scoped};
use crate::world::{reader, writer};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    Plain,
    Pinged,
    Transaction,
    ByHand,
    Scoped,
    ScopedTransaction,
    AdminTransaction,
    Admin,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain, no ping",
            Self::Pinged => "plain, SeaORM's defaults",
            Self::Transaction => "plain, in a transaction, no ping",
            Self::ByHand => "begin, set_config, …, commit by hand, no ping",
            Self::Scoped => "scoped",
            Self::ScopedTransaction => "scoped, in a read-only transaction",
            Self::AdminTransaction => "administrator, in a transaction with the record",
            Self::Admin => "administrator",
        })
    }
}

impl Way {
    /// Reads a user's rows as administrator, or without a record.
    pub async fn admin_read(self, session: &Session) -> Result<(), DbErr> {
        let user = reader(session.turn());
        let admin = || {
            let context = AdminContext::new("bench", "measure").unwrap();
            session.scoped.admin(context)
        };

        match self {
            Self::Admin => scoped::read_of(&admin(), user).await,
            Self::AdminTransaction => {
                let transaction = admin().begin().await?;
                scoped::read_of(&transaction, user).await?;
                transaction.commit().await
            }
            _ => plain::read(&session.plain, user).await,
        }
    }

    pub async fn read(self, session: &Session) -> Result<(), DbErr> {
        self.reads(session, 1).await
    }

    /// What one request reads: statement by statement, or in the way's one transaction.
    pub async fn reads(self, session: &Session, count: usize) -> Result<(), DbErr> {
        let user = reader(session.turn());
        match self {
            Self::Plain | Self::Pinged => {
                let db = if self == Self::Plain {
                    &session.plain
                } else {
                    &session.pinged
                };

                for _ in 0..count {
                    plain::read(db, user).await?;
                }

                Ok(())
            }
            Self::Transaction => {
                let transaction = session.transaction.begin().await?;
                for _ in 0..count {
                    plain::read(&transaction, user).await?;
                }

                transaction.commit().await
            }
            Self::ByHand => {
                let transaction = begin_by_hand(&session.by_hand, user).await?;
                for _ in 0..count {
                    scoped::read(&transaction).await?;
                }

                transaction.commit().await
            }
            Self::Scoped | Self::AdminTransaction | Self::Admin => {
                let mine = scope(session, user);
                for _ in 0..count {
                    scoped::read(&mine).await?;
                }

                Ok(())
            }
            Self::ScopedTransaction => {
                let transaction = scope(session, user)
                    .begin_with_config(None, Some(AccessMode::ReadOnly))
                    .await?;
                for _ in 0..count {
                    scoped::read(&transaction).await?;
                }

                transaction.commit().await
            }
        }
    }

    pub async fn insert(self, session: &Session) -> Result<(), DbErr> {
        let user = writer(session.turn());
        match self {
            Self::Plain => plain::insert(&session.plain, user).await.map(drop),
            Self::Pinged => plain::insert(&session.pinged, user).await.map(drop),
            Self::Transaction => {
                let transaction = session.transaction.begin().await?;
                plain::insert(&transaction, user).await?;
                transaction.commit().await
            }
            Self::ByHand => {
                let transaction = begin_by_hand(&session.by_hand, user).await?;
                scoped::insert(&transaction).await?;
                transaction.commit().await
            }
            Self::Scoped | Self::AdminTransaction | Self::Admin => {
                scoped::insert(&scope(session, user)).await.map(drop)
            }
            Self::ScopedTransaction => {
                let transaction = scope(session, user).begin().await?;
                scoped::insert(&transaction).await?;
                transaction.commit().await
            }
        }
    }

    /// Five statements, in a transaction whatever the way.
    pub async fn five(self, session: &Session) -> Result<(), DbErr> {
        let user = reader(session.turn());
        match self {
            Self::Plain | Self::Pinged | Self::Transaction => {
                let db = if self == Self::Pinged {
                    &session.pinged
                } else {
                    &session.transaction
                };

                let transaction = db.begin().await?;
                plain::five(&transaction, user).await?;

                transaction.commit().await
            }
            Self::ByHand => {
                let transaction = begin_by_hand(&session.by_hand, user).await?;
                scoped::five(&transaction).await?;
                transaction.commit().await
            }
            _ => {
                let transaction = scope(session, user).begin().await?;
                scoped::five(&transaction).await?;
                transaction.commit().await
            }
        }
    }
}

/// As a request does, for its user.
fn scope(session: &Session, user: Uuid) -> ScopedConnection {
    session.scoped.scope(UserContext::new(user))
}

async fn begin_by_hand(db: &DatabaseConnection, user: Uuid) -> Result<DatabaseTransaction, DbErr> {
    let transaction = db.begin().await?;
    let set = "SELECT set_config('app.user_id', $1, true)";
    let set = Statement::from_sql_and_values(DbBackend::Postgres, set, [user.to_string().into()]);

    transaction.query_one_raw(set).await?;
    Ok(transaction)
}
