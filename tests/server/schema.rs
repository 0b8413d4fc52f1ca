//! The schema lane on a server.
