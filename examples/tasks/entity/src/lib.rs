//! The entities: users, and what belongs to them.

pub mod comment;
pub mod task;
pub mod user;
