//! The folder that holds the cluster: in memory if there is room.

use std::env::temp_dir;
use std::fs::{self, DirBuilder};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use crate::account::Account;
use crate::{Error, name};

const MEMORY: &str = "/dev/shm";

/// A fresh cluster takes 40 MiB, its write-ahead log up to 256, and each test's database 8.
pub(crate) const ROOM: u64 = 1 << 30;

/// The path of a socket is at most 103 bytes on macOS and 107 on Linux, `/.s.PGSQL.65535` among
/// them.
const LONGEST: usize = 103 - 15;

/// A folder that is removed with its value, until the server's guard removes it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    is_guarded: bool,
}

impl Folder {
    /// The path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the folder to the guard.
    pub(crate) fn guarded(mut self) -> PathBuf {
        self.is_guarded = true;
        self.path.clone()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_guarded {
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("testbed: {} stays: {error}", self.path.display());
        }
    }
}

/// Makes a folder of the server's user, closed to others; in memory if that leaves `room` bytes.
pub(crate) fn create(account: Account, room: u64) -> Result<Folder, Error> {
    let mut tried = Vec::new();
    for parent in [PathBuf::from(MEMORY), temp_dir(), PathBuf::from("/tmp")] {
        match create_in(&parent, account, room) {
            Ok(folder) => {
                account.own(folder.path())?;
                return Ok(folder);
            }
            Err(reason) => tried.push(format!("{}: {reason}", parent.display())),
        }
    }

    Err(Error::NoStorage { tried })
}

fn create_in(parent: &Path, account: Account, room: u64) -> Result<Folder, String> {
    if parent == Path::new(MEMORY) {
        let free = free(parent)?;
        if free < room {
            return Err(format!(
                "{} MiB free, {} are needed",
                free >> 20,
                room >> 20
            ));
        }
    }

    if !account.reaches(parent) {
        return Err("the server's user cannot reach it".to_owned());
    }

    let path = parent.join(format!("testbed-{}", name::random()));
    if path.as_os_str().as_bytes().len() > LONGEST {
        return Err("its name is too long for a socket".to_owned());
    }

    let made = DirBuilder::new().mode(0o700).create(&path);
    made.map_err(|error| error.to_string())?;
    Ok(Folder {
        path,
        is_guarded: false,
    })
}

fn free(folder: &Path) -> Result<u64, String> {
    let found = statvfs(folder).map_err(|error| error.to_string())?;

    // The two counts are of different widths on macOS.
    #[allow(clippy::useless_conversion, reason = "of use if the type is another")]
    Ok(u64::from(found.blocks_available()) * u64::from(found.fragment_size()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn folder_is_closed_to_others() {
        let folder = create(Account::of_server().unwrap(), ROOM).unwrap();
        let found = fs::metadata(folder.path()).unwrap();
        assert_eq!(found.mode() & 0o777, 0o700);
        assert_ne!(found.uid(), 0);
    }

    #[test]
    fn folder_for_more_than_memory_holds_is_on_disk() {
        let folder = create(Account::of_server().unwrap(), u64::MAX).unwrap();
        assert!(!folder.path().starts_with(MEMORY), "{folder:?}");
    }

    #[test]
    fn folder_is_gone_with_its_value_unless_it_is_guarded() {
        let folder = || create(Account::of_server().unwrap(), ROOM).unwrap();
        let dropped = folder();
        let path = dropped.path().to_owned();
        fs::write(path.join("password"), "secret").unwrap();
        drop(dropped);
        assert!(!path.exists());

        let guarded = folder().guarded();
        fs::remove_dir(&guarded).unwrap();
    }

    #[test]
    fn folder_with_a_name_too_long_for_a_socket_is_refused() {
        let parent = Path::new("/tmp").join("x".repeat(80));
        let refused = create_in(&parent, Account::of_server().unwrap(), ROOM);
        assert!(refused.is_err(), "{refused:?}");
    }
}
