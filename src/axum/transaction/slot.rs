//! Where a request keeps its transaction, between extractor and layer.

use std::sync::Arc;

use sea_orm::{AccessMode, TransactionTrait};
use tokio::sync::Mutex;

use crate::axum::Problem;
use crate::context::Settings;
use crate::{ScopedConnection, ScopedTransaction};

/// The place of a request's transaction, shared by the request's extensions and the layer. When
/// both are dropped, the transaction is, and rolls back.
#[derive(Clone)]
pub(super) struct Slot {
    state: Arc<Mutex<State>>,
    access: Option<AccessMode>,
}

#[derive(Default)]
enum State {
    /// No extractor has begun the transaction.
    #[default]
    Empty,
    Open(Settings, Arc<ScopedTransaction>),
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

    /// Returns the request's transaction; the first call begins it.
    pub(super) async fn begin(
        &self,
        db: &ScopedConnection,
        settings: Settings,
    ) -> Result<Arc<ScopedTransaction>, Problem> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Open(begun, transaction) if *begun == settings => Ok(Arc::clone(transaction)),
            State::Open(..) => {
                tracing::error!(
                    "`RequestTransaction` was taken on behalf of another user than the one it was \
                     begun for"
                );
                Err(Problem::internal())
            }
            State::Empty => {
                let transaction = Arc::new(db.begin_with_config(None, self.access).await?);
                *state = State::Open(settings, Arc::clone(&transaction));
                Ok(transaction)
            }
            State::Closed => {
                tracing::error!("`RequestTransaction` was taken after its request was answered");
                Err(Problem::internal())
            }
        }
    }

    /// Takes the transaction out. None can begin afterwards.
    pub(super) async fn close(&self) -> Option<Arc<ScopedTransaction>> {
        match std::mem::replace(&mut *self.state.lock().await, State::Closed) {
            State::Open(_, transaction) => Some(transaction),
            State::Empty | State::Closed => None,
        }
    }
}
