//! The service as a process.

use std::process::Stdio;
use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use sea_orm_migration::MigratorTraitSelf;
use sea_orm_rls::migration::RlsMigrator;
use sea_orm_rls::{Registry, RlsConfig};
use tasks_migration::Migrator;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::fixture::PASSWORD;

fn service(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tasks-api"));
    for variable in [
        "DATABASE_URL",
        "JWT_SECRET",
        "LISTEN",
        "FIRST_USER",
        "FIRST_SUPERUSER",
        "RUST_LOG",
    ] {
        command.env_remove(variable);
    }

    command
        .envs(variables.iter().copied())
        .kill_on_drop(true)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The lines to try, once they are printed.
async fn lines_to_try(child: &mut Child) -> Vec<String> {
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut curl = Vec::new();

    while curl.len() < 3 {
        let line = timeout(Duration::from_secs(60), output.next_line())
            .await
            .expect("it starts")
            .unwrap();

        let line = line.expect("it starts, and says what to try");

        if line.starts_with("curl ") {
            curl.push(line);
        }
    }

    curl
}

#[tokio::test]
async fn it_starts_with_nothing_set_and_what_it_prints_works() {
    // Another port if someone uses the usual one.
    let mut child = service(&[]).spawn().unwrap();
    let lines = lines_to_try(&mut child).await;

    for (line, expected) in lines
        .iter()
        .zip(["\"token\"", "water the plants", "fix the roof"])
    {
        let output = Command::new("sh")
            .args(["-c", &format!("{line} --fail")])
            .output()
            .await
            .unwrap();

        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );

        assert!(
            output.status.success() && out.contains(expected),
            "{line}\n{out}{err}(it needs `curl`)"
        );
    }

    signal(&child, "-TERM").await;

    let output = timeout(Duration::from_secs(20), child.wait_with_output())
        .await
        .expect("it stops")
        .unwrap();

    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && log.contains("stopping"), "{log}");
    assert!(log.contains("JWT_SECRET is not set"), "{log}");
}

#[tokio::test]
async fn users_of_the_environment_are_tried_with_their_own_passwords() {
    let variables = [
        ("LISTEN", "127.0.0.1:0"),
        ("FIRST_USER", "o'hara@example.org"),
        ("FIRST_USER_PASSWORD", "a $PASSWORD of one's own"),
        ("FIRST_SUPERUSER", "chief@example.org"),
        ("FIRST_SUPERUSER_PASSWORD", PASSWORD),
    ];

    let mut child = service(&variables).spawn().unwrap();
    let lines = lines_to_try(&mut child).await;
    assert!(!lines.concat().contains("of one's own"), "{lines:?}");

    let mut login = Command::new("sh");
    login
        .args(["-c", &format!("{} --fail", lines[0])])
        .envs(variables);

    let output = login.output().await.unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );

    assert!(
        output.status.success() && out.contains("\"token\""),
        "{lines:?}\n{out}{err}(it needs `curl`)"
    );
}

#[tokio::test]
async fn wrong_configuration_stops_it() {
    for (variables, expected) in [
        (
            [("JWT_SECRET", "short"), ("LISTEN", "127.0.0.1:0")],
            "JWT_SECRET",
        ),
        ([("LISTEN", "here"), ("WORKER_SECONDS", "1")], "LISTEN"),
        (
            [("LISTEN", "127.0.0.1:0"), ("WORKER_SECONDS", "0")],
            "WORKER_SECONDS",
        ),
        (
            [("LISTEN", "127.0.0.1:0"), ("FIRST_USER", "ann@example.org")],
            "FIRST_USER_PASSWORD",
        ),
        (
            [
                ("LISTEN", "127.0.0.1:0"),
                ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none"),
            ],
            "JWT_SECRET",
        ),
    ] {
        let output = timeout(Duration::from_secs(60), service(&variables).output())
            .await
            .expect("it stops")
            .unwrap();

        let error = String::from_utf8_lossy(&output.stderr);

        assert!(
            !output.status.success() && error.contains(expected),
            "{variables:?}: {error}"
        );
    }
}

#[tokio::test]
async fn it_serves_a_migrated_database_again_and_again_and_no_other() {
    let database = testbed::server().unwrap().database("tasks").await.unwrap();
    let (url, app, admin) = (database.url(), database.role("app"), database.role("admin"));
    let variables = [
        ("DATABASE_URL", &*url),
        ("RLS_APP_USER", &*app),
        ("RLS_APP_PASSWORD", "app password"),
        ("RLS_MAINTENANCE_ADMIN", &*admin),
        ("RLS_MAINTENANCE_ADMIN_PASSWORD", "admin password"),
        ("JWT_SECRET", "a secret of thirty-two bytes, or more"),
        ("LISTEN", "127.0.0.1:0"),
        ("FIRST_USER", "Ann@example.org"),
        ("FIRST_USER_PASSWORD", PASSWORD),
        ("FIRST_SUPERUSER", "root@example.org"),
        ("FIRST_SUPERUSER_PASSWORD", PASSWORD),
    ];

    let roles = format!("CREATE ROLE {app} LOGIN PASSWORD 'app password'");
    database.execute(&roles).await.unwrap();

    let misspelt = [&variables[..], &[("RLS_AUDIT_TABEL", "acts")]].concat();
    let refused = timeout(Duration::from_secs(60), service(&misspelt).output())
        .await
        .expect("it stops")
        .unwrap();

    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && error.contains("is missing: run the migrations"),
        "{error}"
    );
    let warning = "the variable RLS_AUDIT_TABEL has no effect; did you mean RLS_AUDIT_TABLE?";
    assert!(error.contains(warning), "{error}");

    let config = RlsConfig::new()
        .app_login(&app, "app password")
        .unwrap()
        .admin_login(&admin, "admin password")
        .unwrap();

    let owner = Database::connect(&url).await.unwrap();
    RlsMigrator::with(Migrator, Registry::linked().unwrap(), config)
        .up(&owner, None)
        .await
        .unwrap();

    for start in ["first", "second"] {
        let mut child = service(&variables).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = timeout(Duration::from_secs(60), log.next_line())
                .await
                .expect("it starts")
                .unwrap();

            let line = line.expect("it starts, and says where it listens");

            if let Some((_, address)) = line.split_once("address=") {
                break address.to_owned();
            }
        };

        for email in ["ann@example.org", "root@example.org"] {
            let login = format!("{{\"email\":\"{email}\",\"password\":\"{PASSWORD}\"}}");
            let answer = Post::begin(&address, "/login", &login).await.end().await;
            assert!(
                answer.starts_with("HTTP/1.1 200"),
                "{start} start: {email}: {answer}"
            );
        }

        let taken = [&variables[..6], &[("LISTEN", address.as_str())]].concat();
        let refused = timeout(Duration::from_secs(60), service(&taken).output())
            .await
            .expect("it stops")
            .unwrap();

        let error = String::from_utf8_lossy(&refused.stderr);
        let expected = format!("error: cannot listen on {address}: ");
        assert!(
            !refused.status.success() && error.contains(&expected),
            "{error}"
        );

        let login = format!("{{\"email\":\"root@example.org\",\"password\":\"{PASSWORD}\"}}");
        let begun = Post::begin(&address, "/login", &login).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        signal(&child, if start == "first" { "-INT" } else { "-TERM" }).await;

        while !timeout(Duration::from_secs(20), log.next_line())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
            .contains("stopping")
        {}

        let answer = begun.end().await;
        assert!(
            answer.starts_with("HTTP/1.1 200"),
            "what has begun is answered: {answer}"
        );
        assert!(
            timeout(Duration::from_secs(20), child.wait())
                .await
                .expect("it stops")
                .unwrap()
                .success()
        );

        assert!(
            TcpStream::connect(&address).await.is_err(),
            "it listens no more"
        );
    }

    let users = "SELECT count(*) FROM \"user\"";
    let row = owner
        .query_one_raw(Statement::from_string(DbBackend::Postgres, users))
        .await
        .unwrap()
        .unwrap();

    assert_eq!(
        row.try_get_by_index::<i64>(0).unwrap(),
        2,
        "the first users are added once"
    );
}

async fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args([name, &id])
            .status()
            .await
            .unwrap()
            .success()
    );
}

/// A request of which a part is sent.
struct Post {
    stream: TcpStream,
    rest: String,
}

impl Post {
    async fn begin(address: &str, path: &str, body: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (part, rest) = body.split_at(body.len() / 2);
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: tasks\r\nconnection: close\r\ncontent-type: \
             application/json\r\n\
             content-length: {}\r\n\r\n{part}",
            body.len()
        );

        stream.write_all(request.as_bytes()).await.unwrap();

        Self {
            stream,
            rest: rest.to_owned(),
        }
    }

    async fn end(mut self) -> String {
        self.stream.write_all(self.rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.unwrap();

        answer
    }
}
