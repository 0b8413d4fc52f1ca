//! All tests that need a server: one binary, one ephemeral PostgreSQL, a database a test, the
//! application's role.
#![allow(
    unreachable_pub,
    unnameable_types,
    reason = "nothing is outside of a test"
)]

mod admin;
mod adopting;
mod contexts;
mod doctor;
mod examples;
mod fixture;
mod habits;
mod interplay;
mod isolation;
mod lane;
mod limits;
mod migration;
mod policies;
mod proof;
mod scenarios;
mod schema;
mod signed;
mod subject;
mod web;
mod why;
mod world;
