//! One server for all tests of a process, and one for all processes of a user.

use std::env::temp_dir;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use nix::unistd::geteuid;

use crate::account::Account;
use crate::guard::{Guard, Ownership};
use crate::programs::{self, Programs};
use crate::server::SOCKET_PORT;
use crate::settings::Listen;
use crate::{Error, Server, Source, name};

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

/// The server that this user's processes share for these sources, or a new one. One process at a time
/// looks for it.
pub(crate) fn join_or_start(sources: &[Source], room: u64) -> Result<Server, Error> {
    let begun = Instant::now();
    let folder = meeting_place()?;
    let key = key(sources);

    let path = folder.join(format!("{key}.lock"));
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .and_then(|lock| lock.lock().map(|()| lock));
    let _lock = lock.map_err(Error::io("lock", &path))?;

    let account = Account::of_server()?;
    let note = folder.join(key);
    let noted = fs::read_to_string(&note).unwrap_or_default();
    if let Some((guard, programs)) = join(&noted, account) {
        return Ok(Server::of_guard(guard, programs, begun.elapsed()));
    }

    let programs = programs::find(sources, account)?;
    let listen = Listen {
        port: SOCKET_PORT,
        tcp: false,
    };
    let password = name::random() + &name::random();
    let guard = Guard::start(
        &programs,
        account,
        listen,
        &password,
        &[],
        room,
        Ownership::Shared,
    )?;

    let lines = [
        guard.folder.to_string_lossy(),
        programs.folder.to_string_lossy(),
        programs.version.as_str().into(),
    ];
    fs::write(&note, lines.join("\n")).map_err(Error::io("write", &note))?;

    Ok(Server::of_guard(guard, programs, begun.elapsed()))
}

/// Joins the server of a note, if it still runs.
fn join(note: &str, account: Account) -> Option<(Guard, Programs)> {
    let mut lines = note.lines().map(str::to_owned);
    let folder = PathBuf::from(lines.next()?);
    let programs = Programs {
        folder: lines.next()?.into(),
        version: lines.next()?,
    };

    // Its parent is open to everyone, who may have made another of the same name.
    let found = fs::symlink_metadata(&folder).ok()?;
    if !found.is_dir() || !account.is_owner(&found) || found.mode() & 0o777 != 0o700 {
        return None;
    }

    Guard::join(&folder).map(|guard| (guard, programs))
}

/// The folder of this user in which processes find the server that they share.
fn meeting_place() -> Result<PathBuf, Error> {
    let folder = temp_dir().join(format!("rls-testbed-{}", geteuid()));
    // It may be there.
    if let Err(error) = DirBuilder::new().mode(0o700).create(&folder)
        && !folder.exists()
    {
        return Err(Error::io("make", &folder)(error));
    }

    if is_private(&folder) {
        Ok(folder)
    } else {
        let reason = "it belongs to another user, or is open to others";
        Err(Error::NoStorage {
            tried: vec![format!("{}: {reason}", folder.display())],
        })
    }
}

fn is_private(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|found| {
        found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o777 == 0o700
    })
}

/// A name of the server with programs of these sources.
fn key(sources: &[Source]) -> String {
    name::digest(&format!("{sources:?}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn folder_that_is_open_to_others_is_no_meeting_place() {
        let folder = temp_dir().join(format!("rls-testbed-open-{}", name::random()));
        DirBuilder::new().mode(0o700).create(&folder).unwrap();
        assert!(is_private(&folder));

        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let open = is_private(&folder);
        fs::remove_dir(&folder).unwrap();
        assert!(!open && !is_private(&folder));
    }

    #[test]
    fn servers_of_other_programs_are_not_shared() {
        let named = |folder: &str| key(&[Source::Named(folder.into())]);
        assert_eq!(named("/one"), named("/one"));
        assert_ne!(named("/one"), named("/other"));
    }
}
