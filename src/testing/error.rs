//! Errors of a test's database.

use std::error::Error;
use std::fmt;

use sea_orm::DbErr;

use crate::RlsError;
use crate::testing::ProofError;

/// Why a test has no database, user or row, or no proof.
#[non_exhaustive]
pub enum TestError {
    /// There is no server, or no database on it.
    Server(testbed::Error),
    /// The migrations or the connection failed.
    Rls(RlsError),
    /// Nothing can be made or proved.
    Proof(ProofError),
}

impl fmt::Display for TestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(error) => error.fmt(f),
            Self::Rls(error) => error.fmt(f),
            Self::Proof(error) => error.fmt(f),
        }
    }
}

/// What `Display` says, which a failed test prints.
impl fmt::Debug for TestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for TestError {}

impl From<testbed::Error> for TestError {
    fn from(error: testbed::Error) -> Self {
        Self::Server(error)
    }
}

impl From<RlsError> for TestError {
    fn from(error: RlsError) -> Self {
        Self::Rls(error)
    }
}

impl From<ProofError> for TestError {
    fn from(error: ProofError) -> Self {
        Self::Proof(error)
    }
}

impl From<DbErr> for TestError {
    fn from(error: DbErr) -> Self {
        Self::Rls(error.into())
    }
}
