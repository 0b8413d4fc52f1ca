//! The two logins and what they may do, as types: a transaction of one is never accepted for
//! another.

use std::fmt;

mod sealed {
    #[expect(unnameable_types, reason = "no other crate makes a role")]
    pub trait Sealed {
        /// Whether the server refuses all writes.
        const READ_ONLY: bool = false;
    }
}

/// The role that a connection logs in as: [`App`], [`AppReads`], [`Maintenance`] or
/// [`MaintenanceReads`].
pub trait Role: sealed::Sealed + fmt::Debug + Send + Sync + 'static {}

/// The application's role, which sees what its context owns.
#[derive(Clone, Copy, Debug)]
pub struct App;

/// The application's role, in transactions that only read.
#[derive(Clone, Copy, Debug)]
pub struct AppReads;

/// The maintenance administrator's role, which sees all rows.
#[derive(Clone, Copy, Debug)]
pub struct Maintenance;

/// The maintenance administrator's role, in transactions that only read.
#[derive(Clone, Copy, Debug)]
pub struct MaintenanceReads;

impl sealed::Sealed for App {}
impl sealed::Sealed for Maintenance {}

impl sealed::Sealed for AppReads {
    const READ_ONLY: bool = true;
}

impl sealed::Sealed for MaintenanceReads {
    const READ_ONLY: bool = true;
}

impl Role for App {}
impl Role for AppReads {}
impl Role for Maintenance {}
impl Role for MaintenanceReads {}
