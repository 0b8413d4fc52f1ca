//! The memory of this process and of the server's sessions, as Linux tells it.

use std::fs;

use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use sea_orm_rls::RlsConnection;

/// In KiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What this process has resident of its own, without its program.
    client: u64,
    /// What each session has resident of its own, without what all share.
    sessions: Vec<u64>,
    /// Statements that one session has prepared.
    prepared: i64,
}

impl Memory {
    pub const HEADER: [&'static str; 5] = [
        "statements",
        "client",
        "sessions of the server",
        "prepared in one",
        "seconds",
    ];

    pub async fn read(db: &RlsConnection) -> Self {
        let anonymous = db.anonymous();
        let transaction = anonymous.begin().await.unwrap();
        let ask = async |sql: &str| {
            let statement = Statement::from_string(DbBackend::Postgres, sql);
            transaction.query_all_raw(statement).await.unwrap()
        };
        let sessions = ask("SELECT pid FROM pg_stat_activity WHERE usename = current_user").await;
        let prepared = ask("SELECT count(*) FROM pg_prepared_statements").await;
        let mut sessions: Vec<u64> = sessions
            .iter()
            .map(|row| {
                let pid: i32 = row.try_get_by_index(0).unwrap();
                status(&pid.to_string(), "RssAnon:")
            })
            .collect();
        transaction.rollback().await.unwrap();
        sessions.sort_unstable();

        Self {
            client: status("self", "RssAnon:"),
            sessions,
            prepared: prepared[0].try_get_by_index(0).unwrap(),
        }
    }

    pub fn row(&self, statements: u64, seconds: u64) -> [String; 5] {
        let mib = |kib: u64| format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024);
        let range = match self.sessions.as_slice() {
            [least, .., most] => format!("{} to {}", mib(*least), mib(*most)),
            other => format!("{other:?} KiB"),
        };
        [
            statements.to_string(),
            mib(self.client),
            range,
            self.prepared.to_string(),
            seconds.to_string(),
        ]
    }
}

/// A line of `/proc/PID/status`, in KiB.
fn status(process: &str, line: &str) -> u64 {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let found = text.lines().find_map(|it| it.strip_prefix(line));
    found
        .and_then(|it| it.trim().strip_suffix(" kB"))
        .and_then(|it| it.parse().ok())
        .unwrap_or_else(|| panic!("{path} has no {line} in kB"))
}
