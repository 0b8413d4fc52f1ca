//! An export keeps no row: its peak of memory does not grow with the rows. Alone in its process.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::{self, Write};

use notebook_entities::Migrator;
use sea_orm_migration::sea_orm::ConnectionTrait;
use sea_orm_rls::AdminContext;
use sea_orm_rls::subject::{Subject, SubjectError};
use sea_orm_rls::testing::{TestDatabase, TestUser};

/// Counts what is written.
struct Sink(u64);

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0 += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The peak of this process's memory since it was reset, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let digits = line.unwrap().split_whitespace().nth(1);
    digits.unwrap().parse().unwrap()
}

/// Exports so many rows of a user; the bytes written, and the peak.
async fn export(db: &TestDatabase, user: &TestUser, rows: u32) -> Result<u64, SubjectError> {
    let id = user.setting("app.user_id").unwrap();
    let fill = format!(
        "INSERT INTO tag (id, name, is_shared, owner_id)
         SELECT gen_random_uuid(), repeat('name ', 20), false, '{id}' FROM generate_series(1, {rows})"
    );
    db.owner().execute_unprepared(&fill).await?;

    // `proc(5)`: 5 resets the peak.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let carol = AdminContext::new("carol", "memory").unwrap();
    let mut sink = Sink(0);
    let receipt = Subject::new(db.connection(), user.clone())
        .export(carol, &mut sink)
        .await?;

    let peak = peak();
    println!("{} rows, {} bytes, peak {peak} KiB", receipt.rows(), sink.0);
    assert_eq!(receipt.rows(), u64::from(rows) + 1);
    Ok(peak)
}

#[sea_orm_rls::test(migrator = Migrator)]
async fn peak_of_memory_does_not_grow_with_the_rows(db: TestDatabase) -> Result<(), SubjectError> {
    let [ann, bob] = db.users().await.unwrap();
    let few = export(&db, &ann, 10_000).await?;
    let many = export(&db, &bob, 500_000).await?;

    // The rows are 100 MB.
    assert!(many < few + 8192, "{few} KiB, then {many} KiB");
    Ok(())
}
