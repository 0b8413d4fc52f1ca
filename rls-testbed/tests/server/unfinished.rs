//! Nothing is left of a server that did not get to start.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, process, thread};

use rls_testbed::{Error, Server, Source};

use crate::gone::eventually;

const PROGRAMS: &str = "TESTBED_OWNER_USES";

/// PostgreSQL's programs with an `initdb` that notes the cluster's folder, and then does as told.
struct Programs {
    folder: PathBuf,
}

impl Programs {
    fn new(name: &str, then: &str) -> Self {
        let real = Server::builder()
            .own()
            .start()
            .unwrap()
            .programs()
            .unwrap()
            .to_owned();

        let folder = env::temp_dir().join(format!("testbed-{name}-{}", process::id()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        symlink(real.join("postgres"), folder.join("postgres")).unwrap();

        let initdb = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && exit\npwd >'{note}.part' && mv '{note}.part' \
             '{note}'\n\
             initdb='{real}/initdb'\n{then}\n",
            note = folder.join("note").display(),
            real = real.display(),
        );

        fs::write(folder.join("initdb"), initdb).unwrap();
        fs::set_permissions(folder.join("initdb"), fs::Permissions::from_mode(0o755)).unwrap();

        Self { folder }
    }

    fn cluster(&self) -> Option<PathBuf> {
        fs::read_to_string(self.folder.join("note"))
            .ok()
            .map(|note| PathBuf::from(note.trim()))
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

#[test]
fn failed_start_shows_why_and_leaves_nothing() {
    let programs = Programs::new("failing", "echo 'no room for this' >&2; exit 1");
    let source = Source::Named(programs.folder.clone());
    let error = Server::builder()
        .own()
        .sources([source])
        .start()
        .unwrap_err();

    assert!(
        matches!(error, Error::Ended { .. }) && error.to_string().contains("no room for this"),
        "{error}"
    );
    assert!(!programs.cluster().unwrap().exists());
}

#[test]
#[ignore = "the other tests run it, and have it end"]
fn owner() {
    let Some(programs) = env::var_os(PROGRAMS) else {
        println!("NOT RUN: {PROGRAMS} is not set");
        return;
    };

    let server = Server::builder()
        .own()
        .sources([Source::Named(programs.into())])
        .start();

    thread::sleep(Duration::from_mins(1));
    drop(server);
}

#[test]
fn server_is_gone_when_its_owner_is_killed_while_it_starts() {
    for (name, then) in [
        ("before", "sleep 0.2; exec \"$initdb\" \"$@\""),
        ("amid", "exec \"$initdb\" \"$@\""),
    ] {
        let programs = Programs::new(name, then);
        let mut owner = Command::new(env::current_exe().unwrap())
            .args(["--ignored", "--exact", "unfinished::owner"])
            .env(PROGRAMS, &programs.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();

        assert!(eventually(|| programs.cluster().is_some()));

        let cluster = programs.cluster().unwrap();
        assert!(cluster.exists());
        owner.kill().unwrap();
        owner.wait().unwrap();

        assert!(
            eventually(|| !Path::exists(&cluster)),
            "{} is left",
            cluster.display()
        );
    }
}
