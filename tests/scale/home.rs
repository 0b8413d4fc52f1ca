//! A temporary folder with the servers of one row of the table; both are gone with it, however this
//! process ends.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, User, geteuid};
use uuid::Uuid;

/// How long a server may take to start.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// How long a server may take to end by itself.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub struct Home {
    folder: PathBuf,
    guard: Child,
}

impl Home {
    pub fn new() -> Self {
        let name = format!("scale-{}", Uuid::new_v4().simple());
        let folder = env::temp_dir().join(name);
        make(&folder);
        File::create(folder.join("started")).unwrap();

        let guard = Command::new("/bin/sh")
            .args(["-c", include_str!("guard.sh"), "scale-guard"])
            .arg(&folder)
            .process_group(0)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();

        Self { folder, guard }
    }

    /// A folder of the servers' user.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.join(name);
        if !folder.exists() {
            make(&folder);
        }
        folder
    }

    /// A file of the servers' user, which nobody else may read.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        own(&path);
        path
    }

    /// Starts a server, which runs until it is dropped.
    pub fn start(&self, name: &str, command: &mut Command) -> Service {
        let log = self.file(&format!("{name}.log"), "");
        let open = || OpenOptions::new().append(true).open(&log).unwrap();
        as_nobody(command)
            .current_dir(&self.folder)
            .env("HOME", &self.folder)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(open())
            .stderr(open());

        let process = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let mut started = OpenOptions::new()
            .append(true)
            .open(self.folder.join("started"))
            .unwrap();
        writeln!(started, "{}", process.id()).unwrap();

        Service {
            name: name.to_owned(),
            process,
            log,
        }
    }

    /// Runs a program to its end.
    pub fn run(&self, command: &mut Command) {
        let ran = as_nobody(command)
            .current_dir(&self.folder)
            .env("HOME", &self.folder)
            .output();
        let ran = ran.unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{command:?}: {said}");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        self.guard.wait().unwrap();
    }
}

/// A server that runs; it ends, with all processes of its group, when this is dropped.
pub struct Service {
    name: String,
    process: Child,
    log: PathBuf,
}

impl Service {
    /// Returns when something listens at the address.
    pub fn wait_for(&mut self, address: SocketAddr) {
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = self.process.try_wait().unwrap();
            let waits = ended.is_none() && begun.elapsed() < PATIENCE;
            assert!(waits, "{} does not listen: {}", self.name, self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        let group = Pid::from_raw(self.process.id().cast_signed());
        if self.process.try_wait().unwrap().is_none() {
            killpg(group, Signal::SIGKILL).unwrap();
            self.process.wait().unwrap();
        }
    }

    pub fn log(&self) -> String {
        let mut text = String::new();
        let read = File::open(&self.log).map(|mut log| log.read_to_string(&mut text));
        assert!(read.is_ok(), "{}", self.log.display());
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Service {
    /// Servers end at once by this signal. Pgpool-II first removes its shared memory, 130 MB, which
    /// would stay until the machine is started again.
    fn drop(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            let group = Pid::from_raw(self.process.id().cast_signed());
            killpg(group, Signal::SIGQUIT).unwrap();
        }

        let begun = Instant::now();
        while self.process.try_wait().unwrap().is_none() && begun.elapsed() < LAST_WORDS {
            thread::sleep(Duration::from_millis(20));
        }
        self.kill();
    }
}

/// Ends a process that a server started, by its id, as a crash would.
pub fn crash(id: i32) {
    kill(Pid::from_raw(id), Signal::SIGKILL).unwrap();
}

/// A free port of the loopback.
pub fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Servers refuse to run as root.
fn as_nobody(command: &mut Command) -> &mut Command {
    if let Some(nobody) = nobody() {
        command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
    }
    command
}

/// Makes a folder that nobody else can enter.
fn make(folder: &Path) {
    DirBuilder::new().mode(0o700).create(folder).unwrap();
    own(folder);
}

fn own(path: &Path) {
    if let Some(nobody) = nobody() {
        chown(path, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).unwrap();
    }
}

fn nobody() -> Option<User> {
    geteuid()
        .is_root()
        .then(|| User::from_name("nobody").unwrap().unwrap())
}
