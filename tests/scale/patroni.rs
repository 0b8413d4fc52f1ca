//! A Patroni pair with etcd, behind HAProxy, whose leader crashes again and again under load.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sea_orm_rls::RlsConnection;

use crate::cluster::{ACCESS, programs, url, wait_for_primary};
use crate::home::{Home, Service, crash, free_port};
use crate::load;
use crate::release::Release;
use crate::suite::{PASSWORD, Suite, World};
use crate::table::Row;

const BOOKWORM: Release = Release::Bookworm;

/// A failover takes as long as a lease of the leader lasts, 20 s, or less.
const PATIENCE: Duration = Duration::from_secs(90);

/// The load between two crashes.
const CALM: Duration = Duration::from_secs(2);

/// One of the two: Patroni, and the server that it keeps.
struct Member {
    name: &'static str,
    server: SocketAddr,
    /// Where it says what it is.
    api: SocketAddr,
    data: PathBuf,
    settings: PathBuf,
    patroni: Service,
}

impl Member {
    fn start(home: &Home, name: &'static str, etcd: SocketAddr) -> Self {
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
    fn is(&self, what: &str) -> bool {
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

    async fn becomes(&self, what: &str) {
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

    /// Ends the server as a crash would.
    fn crash_server(&self) {
        let lock = fs::read_to_string(self.data.join("postmaster.pid")).unwrap();
        crash(lock.lines().next().unwrap().parse().unwrap());
    }
}

fn patroni(home: &Home, name: &str, settings: &Path) -> Service {
    let python = Path::new("/usr/bin/python3");
    assert!(
        python.exists(),
        "{} is missing: install Debian's package python3",
        python.display()
    );

    let root = BOOKWORM.root();
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

/// Both members, and what leads to the one that is the primary.
struct Pair {
    world: World,
    address: SocketAddr,
    members: [Member; 2],
    _services: [Service; 2],
    home: Home,
}

impl Pair {
    async fn start() -> Self {
        let home = Home::new();
        let [etcd, peer] = [free_port(), free_port()];
        let mut program = BOOKWORM.program("usr/bin/etcd");
        program.arg(format!("--data-dir={}", home.folder("etcd").display()));
        for (option, at) in [
            ("listen-client-urls", etcd),
            ("advertise-client-urls", etcd),
            ("listen-peer-urls", peer),
            ("initial-advertise-peer-urls", peer),
        ] {
            program.arg(format!("--{option}=http://{at}"));
        }
        program.arg(format!("--initial-cluster=default=http://{peer}"));
        let mut store = home.start("etcd", &mut program);
        store.wait_for(etcd);

        let first = Member::start(&home, "one", etcd);
        first.becomes("primary").await;
        let second = Member::start(&home, "two", etcd);
        second.becomes("sync").await;
        let members = [first, second];

        let address = free_port();
        let mut text = format!(
            "defaults
  mode tcp
  timeout connect 2s
  timeout client 30m
  timeout server 30m
listen postgresql
  bind {address}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
"
        );
        for Member {
            name, server, api, ..
        } in &members
        {
            let check = api.port();
            writeln!(text, "  server {name} {server} check port {check}").unwrap();
        }
        let settings = home.file("haproxy.cfg", &text);
        let mut program = BOOKWORM.program("usr/sbin/haproxy");
        let mut proxy = home.start("haproxy", program.arg("-db").arg("-f").arg(settings));
        proxy.wait_for(address);
        wait_for_primary(address).await;

        Self {
            world: World::given(&url(address, "postgres")).await,
            address,
            members,
            _services: [store, proxy],
            home,
        }
    }

    /// Has the leader crash so many times: its server alone, or Patroni with it, in turn.
    async fn fail_over(&mut self, times: u32) {
        for time in 0..times {
            tokio::time::sleep(CALM).await;
            let [one, two] = &mut self.members;
            let (leader, other) = if one.is("primary") {
                (one, two)
            } else {
                (two, one)
            };
            leader.becomes("primary").await;

            let with_patroni = time % 2 == 1;
            if with_patroni {
                leader.patroni.kill();
            }
            leader.crash_server();

            let begun = Instant::now();
            other.becomes("primary").await;
            let led = begun.elapsed();
            if with_patroni {
                leader.patroni = patroni(&self.home, leader.name, &leader.settings);
            }
            leader.becomes("sync").await;
            println!(
                "failover {}: {} leads after {:.1} s, {} follows after {:.1} s",
                time + 1,
                other.name,
                led.as_secs_f64(),
                leader.name,
                begun.elapsed().as_secs_f64()
            );
        }
        tokio::time::sleep(CALM).await;
    }
}

pub async fn run(suite: &Suite) -> Vec<Row> {
    let mut pair = Pair::start().await;
    let db: RlsConnection = pair.world.connect(pair.address, 16).await.unwrap();
    let row = Row::new(
        "Patroni, HAProxy",
        "3.0.2, 2.6.12",
        "two members, synchronous",
    );
    let mut row = suite.all(row, &pair.world, &db).await;

    let over = AtomicBool::new(false);
    let users = pair.world.users.clone();
    let failovers = async {
        pair.fail_over(suite.failovers).await;
        over.store(true, Ordering::Relaxed);
    };
    let (mut outcome, ()) = tokio::join!(load::run(&db, &users, &over), failovers);
    wait_for_primary(pair.address).await;
    let owner = pair.world.reconnected().await;
    outcome.compare(&owner).await;

    let pause = outcome.longest_pause().as_secs_f64();
    println!(
        "{}: {} failovers: {}; longest time without an Ok {pause:.1} s",
        row.name(),
        suite.failovers,
        outcome.summary()
    );
    let faults = outcome.faults();
    let verdict = if faults.is_empty() { "yes" } else { "NO" };
    row.failover = format!(
        "{} times: {verdict}; {pause:.1} s without an `Ok` at most",
        suite.failovers
    );
    row.add_faults(faults);
    db.close().await;
    vec![row]
}
