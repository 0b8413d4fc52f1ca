//! The user the server runs as: PostgreSQL refuses to run as root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{User, getegid, geteuid};

use crate::Error;

/// The user whose processes and files the server's are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
    dropped: bool,
}

impl Account {
    /// The user of this process, or, if that is root, `postgres` or `nobody`.
    pub(crate) fn of_server() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self {
                uid: geteuid().as_raw(),
                gid: getegid().as_raw(),
                dropped: false,
            });
        }

        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self {
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
                dropped: true,
            })
            .ok_or(Error::NoAccount)
    }

    /// Has the command run as this user.
    pub(crate) fn run(self, command: &mut Command) -> &mut Command {
        if self.dropped {
            // As root, `uid` drops the supplementary groups too.
            command.uid(self.uid).gid(self.gid);
        }

        command
    }

    /// Gives the file or folder to this user.
    pub(crate) fn own(self, path: &Path) -> Result<(), Error> {
        if self.dropped {
            chown(path, Some(self.uid), Some(self.gid))
                .map_err(Error::io("give to the server's user", path))?;
        }

        Ok(())
    }

    /// Whether the file or folder is this user's.
    pub(crate) fn is_owner(self, found: &fs::Metadata) -> bool {
        found.uid() == self.uid
    }

    /// Whether this user can go down to the folder: `/root`, say, is closed to others.
    pub(crate) fn reaches(self, folder: &Path) -> bool {
        !self.dropped
            || folder.ancestors().all(|folder| {
                fs::metadata(folder)
                    .is_ok_and(|found| found.mode() & 0o001 != 0 || found.uid() == self.uid)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_never_runs_as_root() {
        let account = Account::of_server().unwrap();
        let uid = account
            .run(Command::new("id").arg("-u"))
            .output()
            .unwrap()
            .stdout;
        assert_ne!(String::from_utf8(uid).unwrap().trim(), "0");
    }

    #[test]
    fn account_reaches_only_open_folders() {
        let account = Account {
            uid: 12345,
            gid: 12345,
            dropped: true,
        };
        assert!(account.reaches(Path::new("/usr/bin")));
        assert!(!account.reaches(Path::new("/no such folder")));
    }
}
