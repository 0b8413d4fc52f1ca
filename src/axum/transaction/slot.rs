//! Where a request keeps its transaction between the extractor and the layer.

use std::sync::Arc;

use sea_orm::{AccessMode, TransactionTrait};
use tokio::sync::Mutex;

use crate::axum::Problem;
use crate::context::Settings;
use crate::{ScopedConnection, ScopedTransaction};

/// Shared by the request's extensions and the layer. Dropped with both, it drops the transaction,
/// which rolls back.
#[derive(Clone)]
pub(super) struct Slot {
    state: Arc<Mutex<State>>,
    access: Option<AccessMode>,
}

#[derive(Default)]
enum State {
    /// Nobody has asked.
    #[default]
    Empty,
    Open(Settings, Arc<ScopedTransaction>),
    /// The request has been answered.
    Closed,
}

impl Slot {
    /// Without `access` the transaction may write.
    pub(super) fn new(access: Option<AccessMode>) -> Self {
        Self {
            state: Arc::default(),
            access,
        }
    }

    /// The request's transaction, begun by the first to ask.
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
                    "`RequestTransaction` was asked for on behalf of another than the one it was \
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
                tracing::error!(
                    "`RequestTransaction` was asked for after its request was answered"
                );
                Err(Problem::internal())
            }
        }
    }

    /// Takes the transaction out; none is begun afterwards.
    pub(super) async fn close(&self) -> Option<Arc<ScopedTransaction>> {
        match std::mem::replace(&mut *self.state.lock().await, State::Closed) {
            State::Open(_, transaction) => Some(transaction),
            State::Empty | State::Closed => None,
        }
    }
}
