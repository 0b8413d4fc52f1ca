//! Tests of a project: a database for each, users and rows in one line, and the proof that the users
//! are kept apart. The [manual](crate::manual::testing) tells how.

#[cfg(unix)]
mod database;
#[cfg(unix)]
mod error;
#[cfg(unix)]
mod kit;

#[doc(inline)]
pub use rls_core::testing::*;

#[cfg(unix)]
pub use database::TestDatabase;
#[cfg(unix)]
pub use error::TestError;
#[cfg(unix)]
pub use kit::TestKit;
#[cfg(unix)]
#[doc(hidden)]
pub use kit::run as __run;
