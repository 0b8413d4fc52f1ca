//! A primary with a streaming standby.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sea_orm::sqlx::{self, Connection as _, PgConnection};

use crate::home::{Home, PATIENCE, Service, free_port};
use crate::suite::PASSWORD;

/// Who may log in: everyone needs a password, replication as well.
pub const ACCESS: &str = "\
host all         all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
";

/// A server of a cluster.
pub struct Node {
    pub address: SocketAddr,
    _service: Service,
}

/// The folder of PostgreSQL's programs that the testbed finds, if it has those that make a standby.
pub fn programs() -> PathBuf {
    let server = testbed::server().unwrap();
    let folder = server
        .programs()
        .expect("the suite starts servers of its own: unset DATABASE_URL");
    // A folder of links may have links to some of them.
    let postgres = folder.join("postgres").canonicalize().unwrap();
    let folder = postgres.parent().unwrap();
    assert!(
        folder.join("pg_basebackup").exists(),
        "{} has no pg_basebackup: install Debian's package postgresql, or name a folder that has it \
         in PG_BIN",
        folder.display()
    );
    folder.to_owned()
}

impl Node {
    /// Makes a cluster and starts its primary. It commits when all standbys in `waits_for` show it.
    pub async fn primary(home: &Home, waits_for: &str) -> Self {
        let data = home.folder("primary");
        let password = home.file("password", PASSWORD);
        home.run(
            Command::new(programs().join("initdb"))
                .args(["--username=postgres", "--auth=scram-sha-256", "--no-sync"])
                .args(["--encoding=UTF8", "--no-locale"])
                .arg(format!("--pwfile={}", password.display()))
                .arg(&data),
        );
        home.file("primary/pg_hba.conf", ACCESS);

        let names = format!("synchronous_standby_names={waits_for}");
        Self::start(home, &data, &[&names, "synchronous_commit=remote_apply"]).await
    }

    /// Copies this primary, and starts a standby by that name that follows it.
    pub async fn standby(&self, home: &Home, name: &str) -> Self {
        let data = home.folder(name);
        home.run(
            Command::new(programs().join("pg_basebackup"))
                .arg(format!(
                    "--dbname=host={} port={} user=postgres password={PASSWORD} \
                     application_name={name}",
                    self.address.ip(),
                    self.address.port()
                ))
                .args(["--checkpoint=fast", "--no-sync", "--write-recovery-conf"])
                .arg(format!("--pgdata={}", data.display())),
        );

        Self::start(home, &data, &[]).await
    }

    async fn start(home: &Home, data: &Path, settings: &[&str]) -> Self {
        let address = free_port();
        let mut command = Command::new(programs().join("postgres"));
        command.arg("-D").arg(data);
        let place = [
            format!("listen_addresses={}", address.ip()),
            format!("port={}", address.port()),
            "unix_socket_directories=".to_owned(),
            "fsync=off".to_owned(),
            "max_connections=200".to_owned(),
        ];
        for setting in place
            .iter()
            .map(String::as_str)
            .chain(settings.iter().copied())
        {
            command.args(["-c", setting]);
        }

        let name = data.file_name().unwrap().to_string_lossy();
        let mut service = home.start(&name, &mut command);
        service.wait_for(address);
        wait_for_logins(address).await;
        Self {
            address,
            _service: service,
        }
    }

    /// The administrator's URL of a database.
    pub fn url(&self, database: &str) -> String {
        url(self.address, database)
    }
}

/// Returns when a server, or what stands before one, takes logins.
pub async fn wait_for_logins(address: SocketAddr) {
    let url = url(address, "postgres");
    let begun = Instant::now();
    while let Err(error) = PgConnection::connect(&url).await {
        assert!(begun.elapsed() < PATIENCE, "{address}: {error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Returns when what stands before several servers leads to the primary alone: a balancer sends one
/// login after the other to whatever it still believes to be up.
pub async fn wait_for_primary(address: SocketAddr) {
    const IN_TURN: u32 = 6;

    let begun = Instant::now();
    let mut in_turn = 0;
    while in_turn < IN_TURN {
        assert!(begun.elapsed() < PATIENCE, "{address} leads to no primary");
        let found = is_primary(&url(address, "postgres")).await;
        in_turn = if found.is_ok_and(|found| found) {
            in_turn + 1
        } else {
            0
        };
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn is_primary(url: &str) -> Result<bool, sqlx::Error> {
    let mut session = PgConnection::connect(url).await?;
    let found = sqlx::query_scalar("SELECT NOT pg_is_in_recovery()");
    found.fetch_one(&mut session).await
}

pub fn url(address: SocketAddr, database: &str) -> String {
    format!("postgres://postgres:{PASSWORD}@{address}/{database}?sslmode=disable")
}
