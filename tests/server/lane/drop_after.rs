//! Futures that are dropped halfway.

use std::pin::Pin;
use std::task::{Context, Poll};

/// A future that is dropped if it still waits after so many polls; `None` then.
pub struct DropAfter<F> {
    future: Option<Pin<Box<F>>>,
    polls: usize,
}

pub fn drop_after<F: Future>(polls: usize, future: F) -> DropAfter<F> {
    DropAfter {
        future: Some(Box::pin(future)),
        polls,
    }
}

impl<F: Future> Future for DropAfter<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            self.future = None;
        } else {
            self.polls -= 1;
        }

        match &mut self.future {
            None => Poll::Ready(None),
            Some(future) => future.as_mut().poll(context).map(Some),
        }
    }
}
