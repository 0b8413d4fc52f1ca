//! The two logins, told apart by type: what is given one can never be used with the other.

use std::fmt;

mod sealed {
    pub trait Sealed {}
}

/// As whom a connection is logged in; [`App`] or [`Maintenance`].
pub trait Login: sealed::Sealed + fmt::Debug + Send + Sync + 'static {}

/// The application's role, which sees what its context owns.
#[derive(Clone, Copy, Debug)]
pub struct App;

/// The maintenance administrator's role, which sees all rows.
#[derive(Clone, Copy, Debug)]
pub struct Maintenance;

impl sealed::Sealed for App {}
impl sealed::Sealed for Maintenance {}
impl Login for App {}
impl Login for Maintenance {}
