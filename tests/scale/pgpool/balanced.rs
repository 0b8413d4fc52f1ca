//! The servers, and Pgpool-II in front of them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use sea_orm::sqlx::{Connection as _, PgConnection, query_scalar};

use crate::cluster::Node;
use crate::home::{Home, Service, free_port};
use crate::release::Release;
use crate::suite::{PASSWORD, World};

/// A primary, its standby, and Pgpool-II in front of them.
pub struct Balanced {
    pub address: SocketAddr,
    pub world: World,
    standby: Node,
    pub primary: Node,
    _service: Service,
    _home: Home,
}

impl Balanced {
    pub async fn start(
        release: Release,
        more: impl FnOnce(&World) -> Vec<(&'static str, String)>,
    ) -> Self {
        let home = Home::new();
        let primary = Node::primary(&home, "standby").await;
        let standby = primary.standby(&home, "standby").await;
        let world = World::given(&primary.url("postgres")).await;

        let (address, folder) = (free_port(), home.folder("pgpool"));
        let mut logins = format!("postgres:TEXT{PASSWORD}\n");
        for (role, password) in world.logins() {
            writeln!(logins, "{role}:TEXT{password}").unwrap();
        }
        home.file("pgpool/logins", &logins);
        let access = home.file("pgpool/access", "host all all 127.0.0.1/32 scram-sha-256\n");
        let none = home.file("pgpool/none", "");

        let ports = [address, primary.address, standby.address].map(|at| at.port());
        let mut text = settings(release, &folder, ports);
        for (name, value) in more(&world) {
            writeln!(text, "{name} = '{value}'").unwrap();
        }
        let settings = home.file("pgpool/settings", &text);

        let mut program = release.program("usr/sbin/pgpool");
        program
            .arg("-n")
            .arg("-f")
            .arg(settings)
            .arg("-a")
            .arg(access);
        let mut service = home.start("pgpool2", program.arg("-F").arg(none));
        service.wait_for(address);

        Self {
            address,
            world,
            standby,
            primary,
            _service: service,
            _home: home,
        }
    }

    /// How often the standby has read the table.
    pub async fn reads_of_the_standby(&self) -> i64 {
        let url = self.standby.url(self.world.database.name());
        let mut session = PgConnection::connect(&url).await.unwrap();
        let reads = "SELECT (seq_scan + coalesce(idx_scan, 0))::bigint FROM pg_stat_user_tables
                     WHERE relname = 'task'";
        query_scalar(reads).fetch_one(&mut session).await.unwrap()
    }
}

/// The settings, for the ports of Pgpool-II, of the primary and of the standby.
fn settings(release: Release, folder: &Path, ports: [u16; 3]) -> String {
    let mut text = String::new();
    let folder = folder.display().to_string();
    let ports = ports.map(|port| port.to_string());
    for (name, value) in [
        ("backend_clustering_mode", "streaming_replication"),
        ("listen_addresses", "127.0.0.1"),
        ("port", &ports[0]),
        ("pcp_listen_addresses", ""),
        (release.sockets(), &folder),
        ("pcp_socket_dir", &folder),
        ("wd_ipc_socket_dir", &folder),
        ("logdir", &folder),
        ("memqcache_oiddir", &folder),
        ("pid_file_name", &format!("{folder}/pid")),
        ("backend_hostname0", "127.0.0.1"),
        ("backend_port0", &ports[1]),
        // Reads go to the standby, all of them.
        ("backend_weight0", "0"),
        ("backend_flag0", "ALWAYS_PRIMARY|DISALLOW_TO_FAILOVER"),
        ("backend_hostname1", "127.0.0.1"),
        ("backend_port1", &ports[2]),
        ("backend_weight1", "1"),
        ("backend_flag1", "DISALLOW_TO_FAILOVER"),
        ("enable_pool_hba", "on"),
        ("pool_passwd", &format!("{folder}/logins")),
        ("num_init_children", "40"),
        ("max_pool", "1"),
        ("load_balance_mode", "on"),
        ("sr_check_user", "postgres"),
        ("sr_check_password", PASSWORD),
    ] {
        writeln!(text, "{name} = '{value}'").unwrap();
    }

    text
}

impl Release {
    /// What Pgpool-II calls the folder of its sockets.
    fn sockets(self) -> &'static str {
        match self {
            Self::Bookworm => "socket_dir",
            Self::Trixie => "unix_socket_directories",
        }
    }
}
