//! Servers, real ones: how they start, what is on them, and that nothing is left of them.

#![warn(clippy::pedantic)]
#![allow(
    clippy::doc_markdown,
    reason = "PostgreSQL and the like are names, not code"
)]

mod database;
mod gone;
mod proxy;
mod start;
mod unfinished;
