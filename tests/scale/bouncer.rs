//! `PgBouncer`, in its three modes.

use std::fmt::Write as _;
use std::net::SocketAddr;

use sea_orm::sqlx::{Connection as _, PgConnection, query_scalar, raw_sql};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use sea_orm_rls::RlsError;
use tokio::task::JoinHandle;

use crate::fixture::user;
use crate::home::{Home, Service, free_port};
use crate::release::Release;
use crate::suite::{Suite, World};
use crate::table::Row;

/// Sessions of the server that all clients of one role share.
const SERVERS: u32 = 4;

const OLD: Release = Release::Bookworm;
const NEW: Release = Release::Trixie;

/// A running bouncer in front of a world's server.
struct Bouncer {
    address: SocketAddr,
    _service: Service,
    _home: Home,
}

impl Bouncer {
    fn start(world: &World, release: Release, mode: &str, settings: &[(&str, &str)]) -> Self {
        let home = Home::new();
        let (address, server) = (free_port(), world.server.tcp_address().unwrap());
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut logins = String::new();
        for (role, password) in world.logins() {
            writeln!(logins, "{} {}", quoted(&role), quoted(password)).unwrap();
        }
        let logins = home.file("logins", &logins);

        let mut ini = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = {}\nlisten_port = {}\n\
             unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = {mode}\n\
             default_pool_size = {SERVERS}\nmax_client_conn = 200\n\
             ignore_startup_parameters = extra_float_digits\n",
            server.ip(),
            server.port(),
            address.ip(),
            address.port(),
            logins.display(),
        );
        for (name, value) in settings {
            writeln!(ini, "{name} = {value}").unwrap();
        }

        let ini = home.file("pgbouncer.ini", &ini);
        let mut program = release.program("usr/sbin/pgbouncer");
        let mut service = home.start("pgbouncer", program.arg(ini));
        service.wait_for(address);
        Self {
            address,
            _service: service,
            _home: home,
        }
    }
}

const KEPT: (&str, &str) = ("max_prepared_statements", "200");

pub async fn run(suite: &Suite) -> Vec<Row> {
    let world = World::new().await;
    refusals(&world).await;
    planted_setting_reaches_no_session(&world).await;
    drop(world);

    let mut rows = Vec::new();
    for (version, release, mode, settings, most) in [
        ("1.24.1", NEW, "transaction", &[KEPT][..], 32),
        // A client keeps its server: more than there are would wait for ever.
        ("1.24.1", NEW, "session", &[KEPT], SERVERS),
        ("1.18.0", OLD, "session", &[], SERVERS),
    ] {
        let world = World::new().await;
        let bouncer = Bouncer::start(&world, release, mode, settings);
        let db = world.connect(bouncer.address, most).await.unwrap();
        let row = Row::new("PgBouncer", version, mode);
        rows.push(suite.all(row, &world, &db).await);
        db.close().await;
    }

    for (version, mode, error) in [
        ("1.24.1", "statement", "TransactionsRefused"),
        ("1.18.0", "transaction, statement", "SharedStatements"),
    ] {
        let row = Row::new("PgBouncer", version, mode);
        rows.push(row.refused(&format!("`connect` refuses: `{error}`")));
    }
    rows
}

/// What `connect` says of bouncers that cannot serve. Each is asked again, as a program that is
/// started again does: it finds what the first one left.
async fn refusals(world: &World) {
    for (release, mode, settings) in [
        (OLD, "transaction", &[][..]),
        (OLD, "transaction", &[("server_round_robin", "1")]),
        (OLD, "statement", &[]),
        (NEW, "transaction", &[("max_prepared_statements", "0")]),
        (NEW, "session", &[("server_reset_query", "")]),
    ] {
        let bouncer = Bouncer::start(world, release, mode, settings);
        for again in ["first", "second"] {
            let case = format!("{mode} {settings:?}, {again}");
            let error = refusal(world, &bouncer, &case).await;
            assert!(
                matches!(error, RlsError::SharedStatements { .. }),
                "{case}: {error}"
            );
        }
    }

    let bouncer = Bouncer::start(world, OLD, "transaction", &[]);
    let busy = others(world, &bouncer).await;
    for _ in 0..20 {
        let error = refusal(world, &bouncer, "busy").await;
        assert!(
            matches!(error, RlsError::SharedStatements { .. }),
            "busy: {error}"
        );
    }
    for other in busy {
        other.abort();
    }

    let bouncer = Bouncer::start(world, NEW, "statement", &[KEPT]);
    let error = refusal(world, &bouncer, "statement").await;
    assert!(
        matches!(error, RlsError::TransactionsRefused { .. }),
        "{error}"
    );
}

/// Other programs, which keep the bouncer's sessions busy and prepare nothing.
async fn others(world: &World, bouncer: &Bouncer) -> Vec<JoinHandle<()>> {
    let mut others = Vec::new();
    for _ in 0..SERVERS + 2 {
        let url = world.url(bouncer.address);
        let mut session = PgConnection::connect(&url).await.unwrap();
        others.push(tokio::spawn(async move {
            loop {
                let work = raw_sql("SELECT pg_sleep(random() / 200)");
                work.execute(&mut session).await.unwrap();
            }
        }));
    }
    others
}

async fn refusal(world: &World, bouncer: &Bouncer, case: &str) -> RlsError {
    match world.connect(bouncer.address, 2).await {
        Ok(_) => panic!("{case}: it must be refused"),
        Err(error) => error,
    }
}

/// Another program gives a value for a context's setting at its login, which the bouncer is told to
/// carry. It carries only what the server reports, and no context's setting is of these.
async fn planted_setting_reaches_no_session(world: &World) {
    let track = ("track_extra_parameters", "app.user_id");
    let bouncer = Bouncer::start(world, NEW, "transaction", &[KEPT, track]);
    let db = world.connect(bouncer.address, 2).await.unwrap();
    let ann = world.users[0];

    let url = world.url(bouncer.address) + &format!("&options=-c%20app.user_id%3D{ann}");
    let mut other = PgConnection::connect(&url).await.unwrap();
    let planted = query_scalar("SELECT current_setting('app.user_id', true)");
    let planted: Option<String> = planted.fetch_one(&mut other).await.unwrap();
    assert_eq!(planted.unwrap_or_default(), "");

    for _ in 0..20 {
        let seen = user::Entity::find().count(&db.anonymous()).await;
        assert_eq!(seen.unwrap(), 0);
    }
    db.close().await;
}
