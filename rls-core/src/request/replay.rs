//! Waits until a server has come to a position of the write-ahead log.

use std::time::Duration;

use sqlx::{PgConnection, Row};
use tokio::time::sleep;

use crate::model::wal_position::WalPosition;

/// How far the server has come. A standby that was promoted writes from then on.
const COME_TO: &str = "SELECT (CASE WHEN pg_catalog.pg_is_in_recovery() \
                       THEN pg_catalog.pg_last_wal_replay_lsn() \
                       ELSE pg_catalog.pg_current_wal_insert_lsn() END)::pg_catalog.text";

/// The pauses between two questions.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(50);

/// Waits without bound.
pub(crate) async fn reached(
    connection: &mut PgConnection,
    position: WalPosition,
) -> Result<(), sqlx::Error> {
    let mut pause = SHORTEST;
    loop {
        let row = sqlx::query(COME_TO).fetch_one(&mut *connection).await?;
        let come_to = row.try_get::<Option<&str>, _>(0)?;
        let come_to = come_to.and_then(|text| text.parse::<WalPosition>().ok());
        if come_to.is_some_and(|come_to| come_to >= position) {
            return Ok(());
        }

        sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}
