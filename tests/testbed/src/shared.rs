//! One server for all tests of a binary.

use std::sync::OnceLock;

use crate::{Error, Server};

/// The server of this process, started by the first call; later calls wait for that one.
///
/// It is gone when the process is.
///
/// # Errors
///
/// As [`ServerBuilder::start`](crate::ServerBuilder::start); the first failure is given to every
/// caller.
pub fn server() -> Result<&'static Server, Error> {
    static SERVER: OnceLock<Result<Server, Error>> = OnceLock::new();

    SERVER
        .get_or_init(Server::start)
        .as_ref()
        .map_err(Clone::clone)
}
