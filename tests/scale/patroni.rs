//! A Patroni pair with etcd, behind HAProxy, whose leader crashes again and again under load.

mod member;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sea_orm_rls::RlsConnection;

use crate::cluster::{url, wait_for_primary};
use crate::home::{Home, Service, free_port};
use crate::load;
use crate::release::Release;
use crate::suite::{Suite, World};
use crate::table::Row;
use member::Member;

/// The load between two crashes.
const CALM: Duration = Duration::from_secs(2);

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
        let mut program = Release::Bookworm.program("usr/bin/etcd");
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
        let mut program = Release::Bookworm.program("usr/sbin/haproxy");
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
            leader.crash(with_patroni);

            let begun = Instant::now();
            other.becomes("primary").await;
            let led = begun.elapsed();
            if with_patroni {
                leader.restart(&self.home);
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
