//! How the server is set up: as a real one, but for what only a crash would show.

use std::path::Path;

/// The administrator needs no password on the socket, whose folder only the server's user and root
/// can enter, and standbys connect there; everyone else needs theirs everywhere.
pub(crate) const ACCESS: &str = "\
local all postgres              trust
local replication postgres      trust
local all all                   scram-sha-256
host  all all      127.0.0.1/32 scram-sha-256
";

/// Where the server listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listen {
    pub port: u16,
    pub tcp: bool,
}

/// Options of `postgres`; those that are the caller's come last and win.
pub(crate) fn options(
    folder: &Path,
    access: &Path,
    listen: Listen,
    own: &[(String, String)],
) -> Vec<String> {
    let addresses = if listen.tcp { "127.0.0.1" } else { "" };
    let fixed = [
        ("listen_addresses", addresses.to_owned()),
        ("port", listen.port.to_string()),
        ("unix_socket_directories", folder.display().to_string()),
        ("hba_file", access.display().to_string()),
        // In files of the cluster's folder, which go with it however the server ends.
        ("dynamic_shared_memory_type", "mmap".to_owned()),
        // The cluster does not outlive its process: nothing is there to recover.
        ("fsync", "off".to_owned()),
        ("full_page_writes", "off".to_owned()),
        ("synchronous_commit", "off".to_owned()),
        ("max_wal_size", "256MB".to_owned()),
        ("max_connections", "200".to_owned()),
        ("shared_buffers", "128MB".to_owned()),
    ];

    let fixed = fixed.iter().map(|(name, value)| format!("{name}={value}"));
    let own = own.iter().map(|(name, value)| format!("{name}={value}"));

    fixed
        .chain(own)
        .flat_map(|setting| ["-c".to_owned(), setting])
        .collect()
}
