//! Where a request keeps its transaction, between extractor and layer.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::AccessMode;

use super::LazyTransaction;
use crate::ScopedConnection;
use crate::axum::Problem;
use crate::context::Settings;

/// The place of a request's transaction, shared by the request's extensions and the layer. When
/// both are dropped, the transaction is, and rolls back.
#[derive(Clone)]
pub(super) struct Slot {
    state: Arc<Mutex<State>>,
    access: Option<AccessMode>,
}

#[derive(Default)]
enum State {
    /// No extractor has taken the transaction.
    #[default]
    Empty,
    Taken(Settings, Arc<LazyTransaction>),
    /// The request has been answered.
    Closed,
}

impl Slot {
    /// Creates an empty slot. Without `access`, the transaction may write.
    pub(super) fn new(access: Option<AccessMode>) -> Self {
        Self {
            state: Arc::default(),
            access,
        }
    }

    /// Returns the request's transaction; the first call makes it. Sends nothing.
    pub(super) fn take(
        &self,
        scope: ScopedConnection,
        settings: Settings,
    ) -> Result<Arc<LazyTransaction>, Problem> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Taken(of, transaction) if *of == settings => Ok(Arc::clone(transaction)),
            State::Taken(..) => {
                tracing::error!(
                    "`RequestTransaction` was taken on behalf of another user than the one it was \
                     made for"
                );
                Err(Problem::internal())
            }
            State::Empty => {
                let transaction = Arc::new(LazyTransaction::new(scope, self.access));
                *state = State::Taken(settings, Arc::clone(&transaction));
                Ok(transaction)
            }
            State::Closed => {
                tracing::error!("`RequestTransaction` was taken after its request was answered");
                Err(Problem::internal())
            }
        }
    }

    /// Takes the transaction out. None can be taken afterwards.
    pub(super) fn close(&self) -> Option<Arc<LazyTransaction>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Closed) {
            State::Taken(_, transaction) => Some(transaction),
            State::Empty | State::Closed => None,
        }
    }
}
