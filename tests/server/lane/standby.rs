//! Scopes on a hot standby.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use sea_orm::sqlx::{Connection, Executor, PgConnection, query_scalar};
use sea_orm::{
    AccessMode, ActiveModelTrait, EntityTrait, IsolationLevel, PaginatorTrait, TransactionTrait,
};
use sea_orm_rls::{RlsConnection, RlsError};

use super::new_task;
use crate::fixture::{Fixture, entities, task};

/// A server on a copy of another's files, which recovers for ever.
pub(super) struct Standby {
    process: Child,
    folder: PathBuf,
}

fn run(program: &str, arguments: &[&Path]) {
    let ran = Command::new(program).args(arguments).status();
    assert!(ran.unwrap().success(), "{program} {arguments:?}");
}

impl Standby {
    /// One that has what was there when it was copied.
    async fn of(primary: &testbed::Server) -> Self {
        Self::with(primary, &[]).await
    }

    /// One that follows its primary.
    pub(super) async fn following(
        primary: &testbed::Server,
        settings: &[(&'static str, &str)],
    ) -> Self {
        let folder = primary.folder().unwrap().display();
        let primary_at = format!("host={folder} port=5432 user=postgres");
        let settings = [settings, &[("primary_conninfo", &primary_at)]].concat();
        Self::with(primary, &settings).await
    }

    async fn with(primary: &testbed::Server, settings: &[(&'static str, &str)]) -> Self {
        let data = primary.folder().unwrap().join("data");
        let folder = primary.folder().unwrap().join("standby");

        let url = primary.url("postgres");
        let mut session = PgConnection::connect(&url).await.unwrap();
        let start = "SELECT pg_backup_start('standby', true)";
        session.execute(start).await.unwrap();
        run("cp", &[Path::new("-a"), &data, &folder]);
        let stop = "SELECT labelfile FROM pg_backup_stop(false)";
        let label: String = query_scalar(stop).fetch_one(&mut session).await.unwrap();

        // The files of the log up to the end of the copying.
        let (from, to) = (data.join("pg_wal"), folder.join("pg_wal"));
        fs::remove_dir_all(&to).unwrap();
        run("cp", &[Path::new("-a"), &from, &to]);

        fs::remove_file(folder.join("postmaster.pid")).unwrap();
        let owner = fs::metadata(&data).unwrap();
        for (file, text) in [
            ("backup_label", label.as_str()),
            ("standby.signal", ""),
            ("access", "local all all trust\n"),
        ] {
            let path = folder.join(file);
            fs::write(&path, text).unwrap();
            chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }

        Self::start(primary.programs().unwrap(), folder, &owner, settings).await
    }

    async fn start(
        programs: &Path,
        folder: PathBuf,
        owner: &fs::Metadata,
        settings: &[(&'static str, &str)],
    ) -> Self {
        let mut command = Command::new(programs.join("postgres"));
        command.arg("-D").arg(&folder).current_dir("/");
        for (name, value) in [
            ("listen_addresses", ""),
            ("port", "5432"),
            ("unix_socket_directories", folder.to_str().unwrap()),
            ("hba_file", folder.join("access").to_str().unwrap()),
            ("max_connections", "200"),
            ("log_destination", "csvlog"),
            ("logging_collector", "on"),
        ]
        .iter()
        .chain(settings)
        {
            command.arg("-c").arg(format!("{name}={value}"));
        }

        if fs::metadata("/proc/self").unwrap().uid() != owner.uid() {
            command.uid(owner.uid()).gid(owner.gid());
        }

        let standby = Self {
            process: command.spawn().unwrap(),
            folder,
        };
        for _ in 0..600 {
            if PgConnection::connect(&standby.url("postgres", "postgres"))
                .await
                .is_ok()
            {
                return standby;
            }

            tokio::time::sleep(Duration::from_millis(50)).await;
        }

        panic!("the standby does not answer");
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a statement as superuser.
    pub(super) async fn execute(&self, sql: &'static str) {
        let url = self.url("postgres", "postgres");
        let mut session = PgConnection::connect(&url).await.unwrap();
        session.execute(sql).await.unwrap();
    }

    pub(super) fn url(&self, user: &str, database: &str) -> String {
        let folder = self.folder.display();
        format!("postgres://{user}@localhost/{database}?host={folder}&port=5432")
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        run("kill", &[Path::new("-QUIT"), Path::new(&pid)]);
        self.process.wait().unwrap();
    }
}

/// FAULTS A20.
#[tokio::test]
async fn begin_that_a_standby_refuses_is_read_only() {
    let server = testbed::Server::builder().own().start().unwrap();
    let fixture = Fixture::on(&server, 1, |_| {}).await;
    new_task("ann's").insert(&fixture.ann()).await.unwrap();
    let standby = Standby::of(&server).await;

    let url = standby.url(fixture.config.app_role().as_str(), fixture.database.name());
    let db = RlsConnection::connect_with(url, fixture.config.clone(), entities())
        .await
        .unwrap();
    let ann = db.scope(fixture.ann_context());

    let serializable = Some(IsolationLevel::Serializable);
    let mut errors = vec![new_task("written").insert(&ann).await.unwrap_err()];
    for (level, access) in [
        (serializable, None),
        (serializable, Some(AccessMode::ReadOnly)),
        (None, Some(AccessMode::ReadWrite)),
    ] {
        errors.push(ann.begin_with_config(level, access).await.unwrap_err());
    }

    for error in errors {
        let error = RlsError::from(error);
        assert!(matches!(error, RlsError::ReadOnly { .. }), "{error}");
    }

    let repeatable = Some(IsolationLevel::RepeatableRead);
    let reads = ann.begin_with_config(repeatable, None).await.unwrap();
    assert_eq!(task::Entity::find().count(&reads).await.unwrap(), 1);
    reads.commit().await.unwrap();
    assert_eq!(
        task::Entity::find().count(&db.anonymous()).await.unwrap(),
        0
    );
    db.close().await;
}
