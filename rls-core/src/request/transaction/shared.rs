//! What all of a transaction, outermost and nested, share: the connection, and what is known of it.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{Either, select};
use sea_orm::DbErr;
use tokio::sync::{MutexGuard, watch};

use crate::error::RlsError;
use crate::request::carrier::Carrier;
use crate::request::lease::Lease;
use crate::request::pool::Pool;

/// A savepoint of one transaction; its name is never used twice in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Savepoint(pub(super) u32);

impl Savepoint {
    pub(super) fn name(self) -> String {
        format!("rls_{}", self.0)
    }
}

/// What the outermost transaction and its nested ones share.
pub(super) struct Shared {
    pub(super) state: tokio::sync::Mutex<State>,
    /// Whether a stream is in the lane. It leaves when its holder reads it to the end or drops it,
    /// and that holder may be the task that waits.
    pub(super) streaming: watch::Sender<bool>,
    abandoned: Mutex<Abandoned>,
    pub(super) pool: Pool,
    pub(super) carrier: Carrier,
}

pub(super) struct State {
    /// `None` once the outermost transaction has ended.
    pub(super) lease: Option<Lease>,
    /// Oldest first.
    pub(super) savepoints: Vec<Entry>,
    pub(super) next: u32,
    /// The first failure that aborted the transaction, until a rollback to a savepoint undoes it.
    pub(super) failed: Option<Arc<DbErr>>,
    /// Why nothing may run any more.
    pub(super) lost: Option<RlsError>,
    /// A message was on its way when its future was dropped.
    pub(super) unread: bool,
    /// It was a message that ends with the question whether the scope still holds.
    pub(super) unasked: bool,
}

pub(super) struct Entry {
    pub(super) savepoint: Savepoint,
    /// Rolled back and not yet released; the next savepoint's message releases it.
    pub(super) ended: bool,
}

/// Transactions that were dropped without a commit or a rollback. They stand apart from the lane,
/// which another task may hold at that moment.
#[derive(Default)]
pub(super) struct Abandoned {
    pub(super) outermost: bool,
    pub(super) savepoints: Vec<Savepoint>,
}

impl Shared {
    pub(super) fn new(lease: Lease, pool: Pool, carrier: Carrier) -> Self {
        Self {
            state: tokio::sync::Mutex::new(State {
                lease: Some(lease),
                savepoints: Vec::new(),
                next: 0,
                failed: None,
                lost: None,
                unread: false,
                unasked: false,
            }),
            streaming: watch::Sender::new(false),
            abandoned: Mutex::default(),
            pool,
            carrier,
        }
    }

    /// Waits for statements, and not for a stream: a task that waits for its own stream would wait
    /// for ever.
    pub(super) async fn lock(&self) -> Result<MutexGuard<'_, State>, RlsError> {
        if let Ok(state) = self.state.try_lock() {
            return Ok(state);
        }

        let mut streaming = self.streaming.subscribe();

        match select(
            pin!(self.state.lock()),
            pin!(streaming.wait_for(|open| *open)),
        )
        .await
        {
            Either::Left((state, _)) => Ok(state),
            Either::Right(_) => Err(RlsError::StreamOpen),
        }
    }

    pub(super) fn abandoned(&self) -> std::sync::MutexGuard<'_, Abandoned> {
        self.abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Called from a drop: nothing is sent now, and nothing is waited for.
    pub(super) fn abandon(&self, savepoint: Option<Savepoint>) {
        let mut abandoned = self.abandoned();
        if let Some(savepoint) = savepoint {
            abandoned.savepoints.push(savepoint);
            return;
        }

        abandoned.outermost = true;

        // Held by a nested transaction's statement, the lease goes with the last of them.
        if let Ok(mut state) = self.state.try_lock() {
            state.lease = None;
        }
    }
}
