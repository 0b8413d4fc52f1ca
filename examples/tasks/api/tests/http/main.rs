//! The service by requests, as two users, a superuser, and people who mean harm: one binary, a
//! database a test.

mod account;
mod admin;
mod careless;
mod documented;
mod fixture;
mod gone;
mod hostile;
mod process;
mod task;
mod team;
mod token;
mod worker;
