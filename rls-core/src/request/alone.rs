//! A statement that has no transaction around it: one message, which carries the context. The
//! server begins and ends the transaction of that message itself.

use std::sync::Arc;

use sea_orm::DbErr;

use crate::error::RlsError;
use crate::model::context_domain::RECORD_FUNCTION;
use crate::request::borrowed::{Borrowed, acquire_error};
use crate::request::carrier::{Around, Carrier};
use crate::request::operation::{Operation, Sending};
use crate::request::pool::{Pool, audit_failed, explain};
use crate::request::statement::Classified;
use crate::sqlstate;

impl Pool {
    pub(crate) async fn run_alone<O: Operation>(
        &self,
        operation: &O,
        classified: Classified,
        carrier: &Carrier,
    ) -> Result<O::Output, DbErr> {
        self.announce().await?;
        self.run_unannounced(operation, classified, carrier).await
    }

    /// Runs a statement without the other login's record.
    pub(crate) async fn run_unannounced<O: Operation>(
        &self,
        operation: &O,
        classified: Classified,
        carrier: &Carrier,
    ) -> Result<O::Output, DbErr> {
        let statement = operation.statement();
        let mut sending = Sending::new(carrier, Around::Nothing, classified, statement);
        if !sending.is_carried() {
            return self
                .run_in_transaction(operation, classified, carrier)
                .await;
        }

        let connection = self.acquire().await?;
        let running = self.run_on(connection, operation, &mut sending);
        self.observer()
            .observe(operation.sql(), statement, running)
            .await
            .map_err(|error| {
                if matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) {
                    return acquire_error(error);
                }

                let outcome = Outcome::of(&error, sending.completed, carrier);
                outcome.explain(operation.error(error), carrier, operation.sql())
            })
    }

    /// Runs a statement on a connection; on another one of the pool, if that is dead.
    async fn run_on<O: Operation>(
        &self,
        mut borrowed: Borrowed,
        operation: &O,
        sending: &mut Sending<'_>,
    ) -> Result<O::Output, sqlx::Error> {
        let mut attempts = self.attempts();
        loop {
            let error = match operation.run(borrowed.connection(), sending).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };

            if borrowed.is_spent_by(&error) {
                borrowed.close();
            }

            if attempts == 0 || !sqlstate::is_unwritten(&error) {
                return Err(error);
            }

            attempts -= 1;
            borrowed = Borrowed::from_pool(self.sessions()).await?;
        }
    }

    /// Runs a statement that cannot carry the context, or holds more than one, in a transaction
    /// that does.
    async fn run_in_transaction<O: Operation>(
        &self,
        operation: &O,
        classified: Classified,
        carrier: &Carrier,
    ) -> Result<O::Output, DbErr> {
        let mut lease = self.begin_unannounced(carrier.begin_for_one()).await?;
        let ran = async {
            let statement = operation.statement();
            let sending = Sending::new(carrier, Around::Transaction, classified, statement);
            if !sending.is_carried() {
                carrier.sign_after_begin(&mut lease).await?;
            }

            let before = if statement.is_some() && classified.holds_code() {
                Some(carrier.ask(&mut lease).await?)
            } else {
                None
            };

            self.run_set(operation, classified, &mut lease, sending, before)
                .await
        };

        match ran.await {
            Ok(output) => {
                self.commit(lease).await?;
                Ok(output)
            }
            Err(error) => {
                lease.note(&error);
                Err(explain(operation.error(error), carrier, operation.sql()))
            }
        }
    }
}

/// What an error says of a statement that is a transaction of its own.
pub(crate) enum Outcome {
    /// It was not recorded, and so did not run.
    NotRecorded,
    /// Not known: the connection was lost while the server may have stored it.
    Unknown,
    /// It stored nothing.
    Failed,
}

impl Outcome {
    pub(crate) fn of(error: &sqlx::Error, completed: bool, carrier: &Carrier) -> Self {
        let stored_nothing =
            !completed && (sqlstate::is_session_ended(error) || sqlstate::is_unwritten(error));

        if carrier.is_recorded() && sqlstate::is_of_function(error, RECORD_FUNCTION) {
            Self::NotRecorded
        } else if sqlstate::is_connection_lost(error) && !stored_nothing {
            Self::Unknown
        } else {
            Self::Failed
        }
    }

    pub(crate) fn explain(self, error: DbErr, carrier: &Carrier, sql: &str) -> DbErr {
        match self {
            Self::NotRecorded => audit_failed(error),
            Self::Unknown => RlsError::CommitUnknown {
                source: Arc::new(error),
            }
            .into(),
            Self::Failed => explain(error, carrier, sql),
        }
    }
}
