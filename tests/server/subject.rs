//! One user or tenant, whole: what an erasure takes, what it leaves, and when it refuses.

mod odd;
mod tenant;
mod world;

use sea_orm_rls::AdminContext;

fn carol() -> AdminContext {
    AdminContext::new("carol", "request 4711").unwrap()
}
