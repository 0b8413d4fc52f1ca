//! A web service of tasks: every handler is given its connection, and none has a `WHERE` for whose
//! rows it may see.

pub mod account;
pub mod app;
pub mod argument;
pub mod config;
pub mod demo;
pub mod page;
pub mod password;
pub mod route;
pub mod start;
pub mod token;
pub mod worker;
