//! The process that starts the server, and stops it and removes its folder when this process is
//! gone.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::account::Account;
use crate::programs::Programs;
use crate::settings::{self, Listen};
use crate::{Error, storage};

const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(2);
const LOG_LINES: usize = 30;

/// The named pipe by which the owners of a shared server hold it.
const ALIVE: &str = "alive";

/// How many tenths of a second a shared server stays without an owner. A test runner starts its next
/// process within them.
const LINGER: &str = "30";

/// Whose a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// The process that starts it.
    Alone,
    /// Every process that joins it.
    Shared,
}

/// A running server. Dropping it stops the server and waits until its folder is gone. A shared server
/// stops by itself, soon after its last owner.
#[derive(Debug)]
pub(crate) struct Guard {
    /// The shell, if this process started it.
    shell: Option<Child>,
    /// What holds a shared server: its end tells the shell that this owner is gone.
    alive: Option<File>,
    pub folder: PathBuf,
}

impl Guard {
    /// Makes a cluster and starts a server on it.
    pub(crate) fn start(
        programs: &Programs,
        account: Account,
        listen: Listen,
        password: &str,
        own: &[(String, String)],
        room: u64,
        ownership: Ownership,
    ) -> Result<Self, Error> {
        let made = storage::create(account, room)?;
        let folder = made.path();
        let access = folder.join("access");

        for (path, text) in [
            (&access, settings::ACCESS),
            (&folder.join("password"), password),
        ] {
            fs::write(path, text).map_err(Error::io("write", path))?;
            account.own(path)?;
        }

        let (stdin, alive, patience) = match ownership {
            Ownership::Alone => (Stdio::piped(), None, "1"),
            Ownership::Shared => {
                let (read, write) = named_pipe(folder, account)?;
                (Stdio::from(read), Some(write), LINGER)
            }
        };

        let mut command = Command::new("/bin/sh");
        command.args(["-c", include_str!("guard.sh"), "testbed-guard"]);
        command.arg(folder).arg(&programs.folder).arg(patience);
        command.args(settings::options(folder, &access, listen, own));

        // Another process group, so that ^C in a terminal does not end it before its work is done;
        // no open output, or whoever reads ours to its end would wait for it.
        command.process_group(0).current_dir("/");
        command
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::null());

        let shell = account
            .run(&mut command)
            .spawn()
            .map_err(Error::io("run", Path::new("/bin/sh")))?;

        let mut guard = Self {
            shell: Some(shell),
            alive,
            folder: made.guarded(),
        };
        guard.wait_until_ready(programs)?;

        Ok(guard)
    }

    /// Joins a shared server in this folder; `None` if it is gone or about to go.
    pub(crate) fn join(folder: &Path) -> Option<Self> {
        // Without a reader this fails, and does not wait.
        let mut alive = OpenOptions::new()
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(folder.join(ALIVE))
            .ok()?;

        // The shell waits for this line if it was about to end the server.
        alive.write_all(b"joined\n").ok()?;

        Some(Self {
            shell: None,
            alive: Some(alive),
            folder: folder.to_owned(),
        })
    }

    /// Whether other processes may hold the server too.
    pub(crate) fn is_shared(&self) -> bool {
        self.alive.is_some()
    }

    fn wait_until_ready(&mut self, programs: &Programs) -> Result<(), Error> {
        let begun = Instant::now();
        let programs = programs.folder.clone();

        loop {
            let gone = match &mut self.shell {
                Some(shell) => shell.try_wait(),
                None => Ok(None),
            };
            let gone = gone.map_err(Error::io("wait for", &self.folder))?.is_some();

            if gone || self.folder.join("ended").exists() {
                return Err(Error::Ended {
                    programs,
                    log: self.log(),
                });
            }

            if self.is_ready() {
                return Ok(());
            }

            if begun.elapsed() > PATIENCE {
                return Err(Error::NotReady {
                    programs,
                    waited: PATIENCE,
                    log: self.log(),
                });
            }

            thread::sleep(POLL);
        }
    }

    /// The server keeps its state in the eighth line of its lock file:
    /// <https://www.postgresql.org/docs/current/storage-file-layout.html>,
    /// `LOCK_FILE_LINE_PM_STATUS` in its source.
    fn is_ready(&self) -> bool {
        fs::read_to_string(self.folder.join("data/postmaster.pid")).is_ok_and(|lock| {
            lock.lines()
                .nth(7)
                .is_some_and(|state| state.starts_with("ready"))
        })
    }

    /// The last lines of the log.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();

        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let (Some(shell), None) = (&mut self.shell, &self.alive) {
            drop(shell.stdin.take());
            // It cannot fail: nobody else waits for this child.
            let _ = shell.wait();
        }
    }
}

/// Makes the named pipe of a shared server; gives its two ends.
fn named_pipe(folder: &Path, account: Account) -> Result<(File, File), Error> {
    let path = folder.join(ALIVE);
    let make = || -> io::Result<_> {
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;

        // Neither end can be opened without the other, unless it does not wait.
        let read = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(&path)?;
        let mut write = OpenOptions::new().write(true).open(&path)?;
        write.write_all(b"started\n")?;

        // The shell waits for what it reads.
        fcntl(&read, FcntlArg::F_SETFL(OFlag::empty()))?;
        Ok((read, write))
    };

    let ends = make().map_err(Error::io("make", &path))?;
    account.own(&path)?;
    Ok(ends)
}
