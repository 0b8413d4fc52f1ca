//! The entities: users, what belongs to them, what their teams share, what everyone reads, and what
//! administrators did.

pub mod audit;
pub mod comment;
pub mod credential;
pub mod document;
pub mod membership;
pub mod priority;
pub mod task;
pub mod team;
pub mod user;
