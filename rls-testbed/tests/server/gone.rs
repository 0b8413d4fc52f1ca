//! Nothing is left of a server, however its owner ends.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use rls_testbed::Server;

const ENDING: &str = "TESTBED_OWNER_ENDS_BY";

/// The owner of a server, as a process of its own.
#[test]
#[ignore = "the other tests run it, and have it end"]
#[allow(
    clippy::zombie_processes,
    reason = "the child is to outlive its parent"
)]
fn owner() {
    let Ok(ending) = env::var(ENDING) else {
        println!("NOT RUN: {ENDING} is not set");
        return;
    };

    if ending == "early" {
        // More than the system takes as one argument, so that no guard is run.
        let server = Server::builder().own().room(u64::MAX);
        let server = server.setting("application_name", &"x".repeat(4 << 20));
        println!("\n{}", server.start().unwrap_err());
        return;
    }

    // A shared server is never dropped; that of a test is, when the test panics.
    let own = match &*ending {
        "panic" => Some(Server::start().unwrap()),
        "shared" => Some(Server::shared().unwrap()),
        _ => None,
    };
    let server = match &own {
        Some(own) => own,
        None => rls_testbed::server().unwrap(),
    };

    // A child that outlives the owner must not keep the server.
    let child = Command::new("sleep")
        .arg("60")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();

    println!(
        "\nowner {} {}",
        child.id(),
        server.folder().unwrap().display()
    );

    match &*ending {
        "panic" => panic!("as asked"),
        "exit" => process::exit(0),
        "abort" => process::abort(),
        "return" => {}
        _ => thread::sleep(Duration::from_mins(1)),
    }
}

struct Owner {
    process: Child,
    bystander: u32,
    folder: PathBuf,
    server: u32,
}

impl Owner {
    /// Starts the owner by a command that runs this program with the arguments that are added to it.
    fn start(mut command: Command, ending: &str) -> Self {
        command.args(["--ignored", "--exact", "gone::owner", "--nocapture"]);
        command.env(ENDING, ending).env_remove("DATABASE_URL");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);

        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines
            .map_while(Result::ok)
            .find(|line| line.starts_with("owner "))
            .expect("the owner started");

        let mut words = line.split(' ').skip(1);
        let bystander = words.next().unwrap().parse().unwrap();
        let folder = PathBuf::from(words.next().unwrap());

        // Gone already if the owner ends at once.
        let lock = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        let server = lock
            .lines()
            .next()
            .unwrap_or_default()
            .parse()
            .unwrap_or_default();

        Self {
            process,
            bystander,
            folder,
            server,
        }
    }

    fn this(ending: &str) -> Self {
        Self::start(Command::new(env::current_exe().unwrap()), ending)
    }

    /// Waits until the owner has ended, and then for what it had.
    fn assert_nothing_left(mut self) {
        self.process.wait().unwrap();

        let begun = Instant::now();
        let gone = || !self.folder.exists() && (self.server == 0 || !alive(self.server));
        let gone = eventually(gone);

        println!("gone {:?} after its owner", begun.elapsed());
        signal("KILL", &self.bystander.to_string());

        assert!(
            gone,
            "{} or process {} is left",
            self.folder.display(),
            self.server
        );
    }
}

pub(crate) fn eventually(holds: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !holds() && begun.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(2));
    }

    holds()
}

fn signal(name: &str, process: &str) -> bool {
    let script = "kill -s \"$1\" -- \"$2\" 2>/dev/null";
    Command::new("/bin/sh")
        .args(["-c", script, "sh", name, process])
        .status()
        .unwrap()
        .success()
}

fn alive(process: u32) -> bool {
    signal("0", &process.to_string())
}

#[test]
fn server_is_gone_when_dropped() {
    let server = Server::builder().own().start().unwrap();
    let folder = server.folder().unwrap().to_owned();
    let lock = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let process = lock.lines().next().unwrap().parse().unwrap();

    assert!(alive(process));

    let begun = Instant::now();
    drop(server);
    println!("dropped in {:?}", begun.elapsed());
    assert!(!folder.exists() && !alive(process));
}

#[test]
fn server_is_gone_after_its_owner_returns_exits_panics_or_aborts() {
    for ending in ["return", "exit", "panic", "abort"] {
        Owner::this(ending).assert_nothing_left();
    }
}

#[test]
fn server_is_gone_after_kill_9_of_its_owner() {
    let mut owner = Owner::this("signal");
    assert!(owner.folder.exists() && alive(owner.server));
    owner.process.kill().unwrap();
    assert!(
        alive(owner.bystander),
        "a child of the owner lives on, and does not keep the server"
    );
    owner.assert_nothing_left();
}

#[test]
fn server_is_gone_after_interrupt_from_the_terminal() {
    // A shell has what it starts in the background ignore interrupts, and so these tests too.
    let mut command = Command::new("perl");
    command
        .args(["-e", "$SIG{INT} = 'DEFAULT'; exec @ARGV or die"])
        .arg(env::current_exe().unwrap());
    let mut owner = Owner::start(command, "signal");

    // A terminal signals the whole group in the foreground.
    assert!(signal("INT", &format!("-{}", owner.process.id())));
    let ended = owner.process.wait().unwrap();
    assert!(ended.signal().is_some(), "{ended}");
    owner.assert_nothing_left();
}

/// A process of a test runner that starts one for each test.
fn member(meeting_place: &Path) -> Owner {
    let mut command = Command::new(env::current_exe().unwrap());
    command.env("TMPDIR", meeting_place);
    Owner::start(command, "shared")
}

#[test]
fn shared_server_is_gone_soon_after_kill_9_of_its_last_process() {
    let place = env::temp_dir().join(format!("testbed-meeting-{}", process::id()));
    fs::create_dir(&place).unwrap();

    let (mut first, mut second) = (member(&place), member(&place));
    assert_eq!(first.folder, second.folder);
    first.process.kill().unwrap();
    first.process.wait().unwrap();
    signal("KILL", &first.bystander.to_string());

    // Longer than the server stays without an owner.
    thread::sleep(Duration::from_secs(4));
    assert!(alive(second.server), "the second still uses it");

    second.process.kill().unwrap();
    second.process.wait().unwrap();
    signal("KILL", &second.bystander.to_string());
    let mut third = member(&place);
    assert_eq!(third.folder, second.folder, "it came soon enough");

    third.process.kill().unwrap();
    third.assert_nothing_left();
    let mut later = member(&place);
    assert!(alive(later.server), "a new one is started");
    later.process.kill().unwrap();
    later.assert_nothing_left();
    fs::remove_dir_all(&place).unwrap();
}

#[test]
fn nothing_is_left_of_a_server_whose_guard_did_not_run() {
    let place = env::temp_dir().join(format!("testbed-early-{}", process::id()));
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();

    let ran = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "gone::owner", "--nocapture"])
        .env(ENDING, "early")
        .env("TMPDIR", &place)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    // Programs from npm are kept in this folder too, if the server's user cannot reach the owner's home.
    let left: Vec<String> = fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("testbed-"))
        .collect();
    fs::remove_dir_all(&place).unwrap();

    assert!(said.contains("cannot run /bin/sh"), "{said}");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn ordinary_user_starts_a_server_from_a_folder_of_someone_else() {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let program = env::temp_dir().join(format!("testbed-owner-{}", process::id()));
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();

    let mut command = Command::new(&program);
    command
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME")
        .current_dir("/");
    // Only root can become another user. The user of this test is an ordinary one otherwise.
    if is_root {
        command.uid(65534).gid(65534);
    }

    let owner = Owner::start(command, "return");
    fs::remove_file(&program).unwrap();
    owner.assert_nothing_left();
}
