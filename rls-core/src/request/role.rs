//! The logins, told apart by type: what is given one can never be used with another.

use std::fmt;

mod sealed {
    #[expect(unnameable_types, reason = "no other crate makes a role")]
    pub trait Sealed {
        /// Whether the server refuses all writes.
        const READ_ONLY: bool = false;
    }
}

/// As whom a connection is logged in; [`App`], [`Maintenance`] or [`MaintenanceReads`].
pub trait Role: sealed::Sealed + fmt::Debug + Send + Sync + 'static {}

/// The application's role, which sees what its context owns.
#[derive(Clone, Copy, Debug)]
pub struct App;

/// The maintenance administrator's role, which sees all rows.
#[derive(Clone, Copy, Debug)]
pub struct Maintenance;

/// The maintenance administrator's role, in transactions that only read.
#[derive(Clone, Copy, Debug)]
pub struct MaintenanceReads;

impl sealed::Sealed for App {}
impl sealed::Sealed for Maintenance {}

impl sealed::Sealed for MaintenanceReads {
    const READ_ONLY: bool = true;
}

impl Role for App {}
impl Role for Maintenance {}
impl Role for MaintenanceReads {}
