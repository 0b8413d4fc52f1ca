//! A member of the pair.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cluster::{ACCESS, programs};
use crate::home::{Home, Service, crash, free_port};
use crate::release::Release;
use crate::suite::PASSWORD;

/// A failover takes as long as a lease of the leader lasts, 20 s, or less.
const PATIENCE: Duration = Duration::from_secs(90);

/// One of the two: Patroni, and the server that it keeps.
pub struct Member {
    pub name: &'static str,
    pub server: SocketAddr,
    /// Where it says what it is.
    pub api: SocketAddr,
    data: PathBuf,
    settings: PathBuf,
    patroni: Service,
}

impl Member {
    pub fn start(home: &Home, name: &'static str, etcd: SocketAddr) -> Self {
        let [server, api] = [free_port(), free_port()];
        let data = home.folder(name);
        let text = settings(name, etcd, api, server, &data);
        let settings = home.file(&format!("{name}.yml"), &text);
        let patroni = patroni(home, name, &settings);

        Self {
            name,
            server,
            api,
            data,
            settings,
            patroni,
        }
    }

    /// Whether it is `primary`, or `sync`: a standby that has all that was committed.
    pub fn is(&self, what: &str) -> bool {
        let asked = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(self.api)?;
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            write!(stream, "GET /{what} HTTP/1.0\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };

        asked().is_ok_and(|answer| answer.starts_with("HTTP/1.0 200"))
    }

    pub async fn becomes(&self, what: &str) {
        let begun = Instant::now();
        while !self.is(what) {
            let log = || self.patroni.log();
            assert!(
                begun.elapsed() < PATIENCE,
                "{} is no {what}: {}",
                self.name,
                log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Ends the server as a crash would, or Patroni and the server.
    pub fn crash(&mut self, with_patroni: bool) {
        if with_patroni {
            self.patroni.kill();
        }
        let lock = fs::read_to_string(self.data.join("postmaster.pid")).unwrap();
        crash(lock.lines().next().unwrap().parse().unwrap());
    }

    /// Starts Patroni again.
    pub fn restart(&mut self, home: &Home) {
        self.patroni = patroni(home, self.name, &self.settings);
    }
}

fn patroni(home: &Home, name: &str, settings: &Path) -> Service {
    let python = Path::new("/usr/bin/python3");
    assert!(
        python.exists(),
        "{} is missing: install Debian's package python3",
        python.display()
    );

    let root = Release::Bookworm.root();
    let mut command = Command::new(python);
    command
        .env("PYTHONPATH", root.join("usr/lib/python3/dist-packages"))
        .arg(root.join("usr/bin/patroni"))
        .arg(settings);
    home.start(&format!("patroni-{name}"), &mut command)
}

fn settings(
    name: &str,
    etcd: SocketAddr,
    api: SocketAddr,
    server: SocketAddr,
    data: &Path,
) -> String {
    let access: Vec<_> = ACCESS.lines().map(|line| format!("  - {line}\n")).collect();
    format!(
        "scope: scale
name: {name}
restapi: {{listen: '{api}', connect_address: '{api}'}}
etcd3: {{host: '{etcd}'}}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 1
    retry_timeout: 3
    # A crashed server is not waited for.
    primary_start_timeout: 0
    # What is committed is on both, so that no failover loses it.
    synchronous_mode: true
    postgresql: {{use_pg_rewind: true}}
  initdb: [encoding: UTF8, locale: C, auth: scram-sha-256]
postgresql:
  listen: '{server}'
  connect_address: '{server}'
  data_dir: {}
  bin_dir: {}
  pgpass: {}/pgpass-{name}
  authentication:
    superuser: {{username: postgres, password: {PASSWORD}}}
    replication: {{username: replicator, password: {PASSWORD}}}
  parameters: {{unix_socket_directories: '', max_connections: 200, fsync: 'off', wal_log_hints: 'on'}}
  pg_hba:
{}",
        data.display(),
        programs().display(),
        data.parent().unwrap().display(),
        access.concat(),
    )
}
