//! The connection on which rows are made and statements are run. Nothing on it is ever committed.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row};

use super::draft::text;
use crate::config::{RlsConfig, SignedContexts};
use crate::name::{Identifier, TableName};
use crate::request::signer::Signer;
use crate::schema::catalog::role::OWN_MEMBERSHIPS;
use crate::sql;
use crate::sqlstate::{self, Denied};

use super::plan::{How, Step};
use super::schema::{self, Schema};
use super::user::Users;
use super::{Actor, ProofError};

/// How long a statement waits for a lock.
const LOCK_TIMEOUT: &str = "10s";

/// The key of `pg_advisory_xact_lock` with which the proofs of a database take turns, table by
/// table: two that make up the same value would wait for each other. The bytes of `rls-test`.
const TURN: i64 = 0x726c_732d_7465_7374;

/// How long a proof waits for its turn.
const TURN_TIMEOUT: &str = "120s";

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The ids of the rows that were read.
    Rows(Vec<String>),
    /// The number that was read.
    Count(i64),
    /// The rows that are unchanged after a write, and how many the server says it wrote.
    Written {
        left: BTreeSet<String>,
        rows: u64,
    },
    ByPolicy,
    ByGrant,
    Failed {
        state: String,
        message: String,
    },
}

/// The connection of the login that makes the rows. It is closed when dropped, so that no session
/// state stays.
pub(super) struct Lane {
    pub(super) connection: PoolConnection<Postgres>,
    /// The schema of tables that name none.
    pub(super) schema: Identifier,
    /// The statements that become the application's role, and go back.
    act: String,
    back: &'static str,
    /// The settings that the application's login has.
    settings: Vec<(String, String)>,
    /// The session's user while the lane acts as the application's role.
    session_user: String,
}

impl Lane {
    pub(super) async fn open(
        owner: &PgPool,
        app: &PgPool,
        role: &Identifier,
    ) -> Result<Self, ProofError> {
        let mut connection = owner.acquire().await?;
        connection.close_on_drop();

        let query = format!(
            "SELECT session_user::text AS login, current_schema()::text AS schema,
                    current_setting('is_superuser') = 'on' AS superuser,
                    coalesce((SELECT pg_has_role(
                                session_user, r.oid,
                                CASE WHEN {OWN_MEMBERSHIPS} THEN 'SET' ELSE 'MEMBER' END)
                              FROM pg_roles r WHERE r.rolname = $1), false) AS member"
        );

        let row = sqlx::query(AssertSqlSafe(query))
            .bind(role.as_str())
            .fetch_one(&mut *connection)
            .await?;

        let superuser: bool = row.try_get("superuser")?;
        if !row.try_get::<bool, _>("member")? {
            return Err(ProofError::CannotAct {
                login: row.try_get("login")?,
                role: role.to_string(),
            });
        }

        let schema = row
            .try_get::<Option<String>, _>("schema")?
            .unwrap_or_else(|| "public".to_owned());

        // A superuser becomes the session user too, since a policy may read `session_user`.
        let (word, back) = if superuser {
            ("SESSION AUTHORIZATION", "RESET SESSION AUTHORIZATION")
        } else {
            ("ROLE", "RESET ROLE")
        };

        let query = "
            SELECT name, setting FROM pg_settings
            WHERE name = 'search_path'
               OR (source IN ('database', 'user', 'database user') AND context = 'user'
                   AND name NOT IN
                     ('role', 'session_authorization', 'default_transaction_read_only'))";

        let rows = sqlx::query(query).fetch_all(app).await?;
        let settings: Result<_, sqlx::Error> = rows
            .iter()
            .map(|row| Ok((row.try_get("name")?, row.try_get("setting")?)))
            .collect();

        Ok(Self {
            connection,
            schema: schema::name(schema)?,
            act: format!("SET LOCAL {word} {}", sql::identifier(role)),
            back,
            settings: settings?,
            session_user: if superuser {
                role.to_string()
            } else {
                row.try_get("login")?
            },
        })
    }

    /// Signs contexts as they are to be signed for this lane, if they are.
    pub(super) fn signer(&self, config: &RlsConfig) -> Option<Arc<Signer>> {
        let keys = config
            .keys()
            .filter(|_| config.signs_contexts() > SignedContexts::Off)?;
        let signer = Signer::new(keys.clone(), self.session_user.clone(), config.lifetime());
        Some(Arc::new(signer))
    }

    /// Reads the catalog.
    pub(super) async fn read(&mut self) -> Result<Schema, ProofError> {
        self.run("BEGIN READ ONLY; SET LOCAL search_path = pg_catalog; SET LOCAL jit = off")
            .await?;
        let schema = schema::read(&mut self.connection).await?;
        self.run("ROLLBACK").await?;

        Ok(schema)
    }

    /// Begins a transaction, in which the login sees every row of the tables in `hidden`.
    pub(super) async fn begin(&mut self, hidden: &[&TableName]) -> Result<(), ProofError> {
        let begin = format!(
            "BEGIN; SET LOCAL lock_timeout = '{TURN_TIMEOUT}'; SELECT pg_advisory_xact_lock({TURN});
             SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; SET CONSTRAINTS ALL DEFERRED"
        );

        self.run(&begin).await?;
        for table in hidden {
            let alter = format!(
                "ALTER TABLE {} NO FORCE ROW LEVEL SECURITY",
                sql::table(table)
            );

            let altered = self.run(&alter).await;
            let seen = format!(
                "SELECT NOT row_security_active({}::regclass)",
                text(&sql::table(table))
            );

            if altered.is_err()
                || !sqlx::query_scalar(AssertSqlSafe(seen))
                    .fetch_one(&mut *self.connection)
                    .await?
            {
                return Err(ProofError::Hidden {
                    table: table.to_string(),
                });
            }
        }

        for (name, value) in &self.settings {
            let set = "SELECT set_config($1, $2, true)";
            sqlx::query(set)
                .bind(name)
                .bind(value)
                .execute(&mut *self.connection)
                .await?;
        }

        Ok(())
    }

    /// Undoes everything.
    pub(super) async fn end(&mut self) -> Result<(), sqlx::Error> {
        self.run("ROLLBACK").await
    }

    pub(super) async fn run(&mut self, text: &str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(text))
            .execute(&mut *self.connection)
            .await
            .map(drop)
    }

    /// Marks the state from which every attempt starts.
    pub(super) async fn mark(&mut self) -> Result<(), sqlx::Error> {
        self.run("SAVEPOINT attempt").await
    }

    /// Runs one step from the mark, as the application's role in the actor's context.
    pub(super) async fn execute(
        &mut self,
        users: &Users,
        actor: Actor,
        step: &Step<'_>,
        present: &str,
    ) -> Result<Answer, ProofError> {
        if step.how == How::Cached {
            let other = if actor == Actor::First {
                Actor::Second
            } else {
                Actor::First
            };

            self.enter(&users.context(other, &[])).await?;

            // The plan is kept, whatever the answer.
            drop(
                sqlx::query(AssertSqlSafe(step.sql.as_str()))
                    .fetch_all(&mut *self.connection)
                    .await,
            );
        }

        self.enter(&users.context(actor, &step.third)).await?;

        match self.answer(step, present).await {
            Ok(answer) => Ok(answer),
            Err(error) => refused(error),
        }
    }

    /// Goes back to the mark, and becomes the application's role in this context.
    pub(super) async fn enter(&mut self, context: &str) -> Result<(), sqlx::Error> {
        let act = format!("ROLLBACK TO SAVEPOINT attempt; {}{context}", self.act);
        self.run(&act).await
    }

    async fn answer(&mut self, step: &Step<'_>, present: &str) -> Result<Answer, sqlx::Error> {
        let connection = &mut *self.connection;
        let sql = AssertSqlSafe(step.sql.as_str());

        match step.how {
            How::Read => {
                let rows = sqlx::raw_sql(sql).fetch_all(connection).await?;
                rows.iter()
                    .map(|row| row.try_get(0))
                    .collect::<Result<_, _>>()
                    .map(Answer::Rows)
            }
            How::Cached => sqlx::query_scalar(sql)
                .fetch_all(connection)
                .await
                .map(Answer::Rows),
            How::Count => {
                let rows = sqlx::raw_sql(sql).fetch_one(connection).await?;
                rows.try_get(0).map(Answer::Count)
            }
            How::Copy => {
                // Without COPY first, to see whether it is refused: after a refused COPY, sqlx 0.9
                // takes each answer for the next one.
                sqlx::raw_sql(sql).execute(&mut *connection).await?;

                let copied = copied(connection, &format!("COPY ({}) TO STDOUT", step.sql)).await;
                let copied = copied
                    .map_err(|error| sqlx::Error::Protocol(format!("COPY failed: {error}")))?;

                Ok(Answer::Rows(
                    String::from_utf8_lossy(&copied)
                        .lines()
                        .map(str::to_owned)
                        .collect(),
                ))
            }
            How::Write => {
                let rows = sqlx::raw_sql(sql)
                    .execute(&mut *connection)
                    .await?
                    .rows_affected();

                sqlx::raw_sql(AssertSqlSafe(self.back))
                    .execute(&mut *connection)
                    .await?;

                let left = sqlx::raw_sql(AssertSqlSafe(present))
                    .fetch_all(connection)
                    .await?;
                let left: Result<BTreeSet<String>, _> =
                    left.iter().map(|row| row.try_get(0)).collect();

                Ok(Answer::Written { left: left?, rows })
            }
        }
    }
}

async fn copied(connection: &mut PgConnection, copy: &str) -> Result<Vec<u8>, sqlx::Error> {
    let parts = connection.copy_out_raw(copy).await?;
    parts
        .try_fold(Vec::new(), |mut whole, part| async move {
            whole.extend_from_slice(&part);
            Ok(whole)
        })
        .await
}

/// A refusal by the server is an answer; a lost connection is an error.
fn refused(error: sqlx::Error) -> Result<Answer, ProofError> {
    match (Denied::of(&error), sqlstate::code(&error)) {
        (Some(Denied::ByPolicy { .. }), _) => Ok(Answer::ByPolicy),
        (Some(Denied::ByGrant { .. }), _) => Ok(Answer::ByGrant),
        (_, Some(state)) if !sqlstate::is_connection_lost(&error) => {
            let message = error
                .as_database_error()
                .map(|error| error.message().to_owned())
                .unwrap_or_default();
            Ok(Answer::Failed { state, message })
        }
        _ => Err(error.into()),
    }
}
