//! The process that starts the server, and stops it and removes its folder when this process is
//! gone.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::account::Account;
use crate::programs::Programs;
use crate::settings::{self, Listen};
use crate::{Error, storage};

const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(2);
const LOG_LINES: usize = 30;

/// A running server; dropping it stops the server and waits until its folder is gone.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
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
    ) -> Result<Self, Error> {
        let folder = storage::create(account, room)?;
        let access = folder.join("access");

        for (path, text) in [
            (&access, settings::ACCESS),
            (&folder.join("password"), password),
        ] {
            fs::write(path, text).map_err(Error::io("write", path))?;
            account.own(path)?;
        }

        let mut command = Command::new("/bin/sh");
        command.args(["-c", include_str!("guard.sh"), "testbed-guard"]);
        command.arg(&folder).arg(&programs.folder);
        command.args(settings::options(&folder, &access, listen, own));

        // Another process group, so that ^C in a terminal does not end it before its work is done;
        // no open output, or whoever reads ours to its end would wait for it.
        command.process_group(0).current_dir("/");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());

        let shell = account
            .run(&mut command)
            .spawn()
            .map_err(Error::io("run", Path::new("/bin/sh")))?;

        let mut guard = Self { shell, folder };
        guard.wait_until_ready(programs)?;

        Ok(guard)
    }

    fn wait_until_ready(&mut self, programs: &Programs) -> Result<(), Error> {
        let begun = Instant::now();
        let programs = programs.folder.clone();

        loop {
            let gone = self
                .shell
                .try_wait()
                .map_err(Error::io("wait for", &self.folder))?
                .is_some();

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
        drop(self.shell.stdin.take());
        // It cannot fail: nobody else waits for this child.
        let _ = self.shell.wait();
    }
}
