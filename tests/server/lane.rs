//! Requests on a server: what is sent, what is said, and what dropped futures leave.

mod alternation;
mod cancellation;
mod fuzz;
mod hidden;
mod honesty;
mod hosts;
mod logins;
mod messages;
mod metric;
mod misread;
mod pooling;
mod reads;
mod shapes;
mod standby;
mod stream;
mod unseen;
mod visible;

use std::pin::Pin;
use std::task::{Context, Poll};

use sea_orm::Set;
use uuid::Uuid;

use crate::fixture::task;

pub fn new_task(title: &str) -> task::ActiveModel {
    task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set(title.to_owned()),
        rank: Set(1),
        ..Default::default()
    }
}

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
