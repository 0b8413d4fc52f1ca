//! The one lane that all statements of a transaction take, outermost and nested: what is open on
//! the connection, what failed, and what dropped futures left to do.

use std::sync::Arc;

use sea_orm::DbErr;
use sqlx::{AssertSqlSafe, Executor};
use tokio::sync::MutexGuard;

use super::shared::{Entry, Savepoint, Shared, State};
use crate::error::RlsError;
use crate::request::lease::Lease;
use crate::request::operation::{Operation, exec_error};
use crate::request::pool::explain;
use crate::request::question::scope_lost;
use crate::request::statement::Classified;

/// The lane, entered. Nothing else runs on the connection meanwhile.
pub(super) struct Lane<'a> {
    state: MutexGuard<'a, State>,
    shared: &'a Shared,
}

impl<'a> Lane<'a> {
    /// Waits for the lane, and brings the connection to the state that `savepoint`'s transaction
    /// expects.
    pub(super) async fn enter(
        shared: &'a Shared,
        savepoint: Option<Savepoint>,
    ) -> Result<Self, DbErr> {
        let lane = Self::enter_to_undo(shared).await?;
        lane.check_innermost(savepoint)?;
        Ok(lane)
    }

    /// As [`Lane::enter`], for a rollback: it undoes what is nested in it as well.
    pub(super) async fn enter_to_undo(shared: &'a Shared) -> Result<Self, DbErr> {
        let mut lane = Self {
            state: shared.lock().await?,
            shared,
        };

        if shared.abandoned().outermost {
            lane.state.lease = None;
        }

        if let Some(lost) = &lane.state.lost {
            return Err(lost.clone().into());
        }

        if lane.state.lease.is_none() {
            return Err(ended("the outermost transaction has ended"));
        }

        if lane.state.unread {
            lane.settle().await?;
        }

        while let Some(savepoint) = lane.next_abandoned() {
            lane.rollback_to(savepoint).await?;
        }

        Ok(lane)
    }

    /// A savepoint encloses all that runs after it, so work of an outer transaction, or of a second
    /// nested one, would be undone with an open nested one, or kept against its rollback.
    fn check_innermost(&self, savepoint: Option<Savepoint>) -> Result<(), DbErr> {
        let live = || {
            self.state
                .savepoints
                .iter()
                .filter(|entry| !entry.ended)
                .map(|entry| entry.savepoint)
        };

        if live().next_back() == savepoint {
            return Ok(());
        }

        if savepoint.is_some_and(|savepoint| live().all(|other| other != savepoint)) {
            return Err(ended("an enclosing transaction ended before it"));
        }

        Err(RlsError::NestedOpen.into())
    }

    pub(super) async fn run<O: Operation>(
        &mut self,
        operation: &O,
        classified: Classified,
    ) -> Result<O::Output, DbErr> {
        let Shared { pool, carrier, .. } = self.shared;
        let state = &mut *self.state;
        let lease = open(&mut state.lease)?;

        state.unasked = operation.statement().is_none() || classified.holds_code();
        state.unread = true;

        let result = pool.run(operation, classified, lease, carrier).await;
        state.unread = false;
        state.unasked = false;

        result.map_err(|error| self.failure(error, operation.sql(), |error| operation.error(error)))
    }

    /// Sets a savepoint. If the future is dropped, at most a savepoint without statements stays.
    pub(super) async fn savepoint(&mut self) -> Result<Savepoint, DbErr> {
        let mut message = String::new();
        let kept = self
            .state
            .savepoints
            .iter()
            .rposition(|entry| !entry.ended)
            .map_or(0, |at| at + 1);

        if let Some(oldest_ended) = self.state.savepoints.get(kept) {
            message = format!("RELEASE SAVEPOINT {}; ", oldest_ended.savepoint.name());
        }

        self.state.savepoints.truncate(kept);

        let savepoint = Savepoint(self.state.next);
        self.state.next += 1;
        message.push_str("SAVEPOINT ");
        message.push_str(&savepoint.name());
        self.control(message).await?;
        self.state.savepoints.push(Entry {
            savepoint,
            ended: false,
        });

        Ok(savepoint)
    }

    /// Commits a nested transaction. If the future is dropped, its work belongs to the enclosing
    /// one.
    pub(super) async fn release(mut self, savepoint: Savepoint) -> Result<(), DbErr> {
        if let Some(first) = self.state.failed.clone() {
            self.rollback_to(savepoint).await?;
            return Err(RlsError::TransactionFailed { first }.into());
        }

        self.truncate(savepoint, 0);
        self.control(format!("RELEASE SAVEPOINT {}", savepoint.name()))
            .await
    }

    /// Rolls back to a savepoint. If the future is dropped, the next one that enters the lane does
    /// it again, which has the same effect.
    pub(super) async fn rollback_to(&mut self, savepoint: Savepoint) -> Result<(), DbErr> {
        if !self
            .state
            .savepoints
            .iter()
            .any(|entry| entry.savepoint == savepoint && !entry.ended)
        {
            return Ok(());
        }

        self.shared.abandon(Some(savepoint));

        let result = self
            .control(format!("ROLLBACK TO SAVEPOINT {}", savepoint.name()))
            .await;
        self.forget_abandoned(savepoint);
        result?;
        self.truncate(savepoint, 1);
        if let Some(entry) = self.state.savepoints.last_mut() {
            entry.ended = true;
        }

        self.state.failed = None;
        Ok(())
    }

    /// Commits the outermost transaction, or rolls it back if a statement had failed.
    pub(super) async fn commit(mut self) -> Result<(), DbErr> {
        let lease = take(&mut self.state.lease)?;
        if let Some(first) = self.state.failed.take() {
            // The answer to the rollback changes nothing: the error below says that nothing was
            // stored.
            drop(lease);
            return Err(RlsError::TransactionFailed { first }.into());
        }

        self.shared.pool.commit(lease).await
    }

    /// Rolls the outermost transaction back.
    pub(super) async fn rollback(mut self) -> Result<(), DbErr> {
        take(&mut self.state.lease)?
            .rollback()
            .await
            .map_err(exec_error)
    }

    /// Keeps the lane for a stream. Other statements are refused until this is dropped.
    pub(super) fn keep_for_stream(&mut self) {
        self.shared.streaming.send_replace(true);
    }

    /// The connection, for a stream. Report its failure with [`Lane::failure`].
    pub(super) fn for_stream(&mut self) -> Result<&mut Lease, DbErr> {
        self.state.unread = true;
        open(&mut self.state.lease)
    }

    /// The stream has been read to its end.
    pub(super) fn stream_ended(&mut self) {
        self.state.unread = false;
    }

    /// Remembers a failure of a statement, and turns it into SeaORM's error.
    pub(super) fn failure(
        &mut self,
        error: sqlx::Error,
        sql: &str,
        into: impl FnOnce(sqlx::Error) -> DbErr,
    ) -> DbErr {
        let aborts = matches!(error, sqlx::Error::Database(_));
        if let Some(lease) = &mut self.state.lease {
            lease.note(&error);
        }

        let error = explain(into(error), &self.shared.carrier, sql);
        if self.state.lease.as_ref().is_some_and(Lease::is_lost) {
            self.state.lost = Some(RlsError::from(&error));
            self.state.lease = None;
        } else if aborts {
            self.state
                .failed
                .get_or_insert_with(|| Arc::new(error.clone()));
        }

        error
    }

    async fn control(&mut self, message: String) -> Result<(), DbErr> {
        let state = &mut *self.state;
        state.unread = true;

        let result = open(&mut state.lease)?
            .connection()
            .execute(AssertSqlSafe(message))
            .await;

        state.unread = false;

        result
            .map(drop)
            .map_err(|error| self.failure(error, "", exec_error))
    }

    async fn settle(&mut self) -> Result<(), DbErr> {
        if self.state.unasked {
            let dropped = scope_lost(
                "unprepared SQL text was dropped before its answer told whether the scope holds",
            );
            return Err(self.failure(dropped, "", exec_error));
        }

        let Some(lease) = &mut self.state.lease else {
            return Ok(());
        };

        match lease.settle().await {
            Ok(errors) => {
                self.state.unread = false;
                for error in errors {
                    self.failure(error, "", exec_error);
                }

                Ok(())
            }
            Err(error) => Err(self.failure(error, "", exec_error)),
        }
    }

    fn next_abandoned(&self) -> Option<Savepoint> {
        self.shared.abandoned().savepoints.pop()
    }

    fn forget_abandoned(&self, savepoint: Savepoint) {
        self.shared
            .abandoned()
            .savepoints
            .retain(|other| *other != savepoint);
    }

    /// Forgets the savepoints after this one, and keeps `keep` of this one itself.
    fn truncate(&mut self, savepoint: Savepoint, keep: usize) {
        if let Some(at) = self
            .state
            .savepoints
            .iter()
            .position(|entry| entry.savepoint == savepoint)
        {
            self.state.savepoints.truncate(at + keep);
        }
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.shared.streaming.send_if_modified(std::mem::take);

        // Dropped while this was in the lane: the connection goes back with it.
        if self.shared.abandoned().outermost {
            self.state.lease = None;
        }
    }
}

fn open(lease: &mut Option<Lease>) -> Result<&mut Lease, DbErr> {
    lease
        .as_mut()
        .ok_or_else(|| ended("the outermost transaction has ended"))
}

fn take(lease: &mut Option<Lease>) -> Result<Lease, DbErr> {
    lease
        .take()
        .ok_or_else(|| ended("the outermost transaction has ended"))
}

fn ended(reason: &str) -> DbErr {
    RlsError::ScopeLost {
        reason: reason.to_owned(),
    }
    .into()
}
