//! Requests on a server: what is sent, what is said, and what dropped futures leave.

mod alternation;
mod cancellation;
mod drop_after;
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

use sea_orm::Set;
use uuid::Uuid;

pub use drop_after::drop_after;

use crate::fixture::task;

pub fn new_task(title: &str) -> task::ActiveModel {
    task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set(title.to_owned()),
        rank: Set(1),
        ..Default::default()
    }
}
