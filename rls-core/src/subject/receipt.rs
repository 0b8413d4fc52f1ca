//! What was exported or erased, to keep and to sign.

use std::fmt;
use std::time::Duration;

use serde_json::json;

use crate::model::context::Settings;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// The rows were written out.
    Exported,
    /// The rows would be erased.
    WouldErase,
    /// The rows are gone.
    Erased,
}

impl What {
    fn as_str(self) -> &'static str {
        match self {
            Self::Exported => "exported",
            Self::WouldErase => "would be erased",
            Self::Erased => "erased",
        }
    }
}

/// The rows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableCount {
    /// The table, with its schema.
    pub table: String,
    /// How many of its rows.
    pub rows: u64,
}

/// A table that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The table, with its schema.
    pub table: String,
    /// Why.
    pub reason: String,
}

/// What was exported or erased, table by table. `Display` and [`json`](Self::json) name the subject;
/// `Debug` does not.
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a receipt is kept"]
pub struct Receipt {
    pub(super) what: What,
    pub(super) subject: Settings,
    pub(super) actor: String,
    pub(super) reason: String,
    pub(super) at: String,
    pub(super) took: Duration,
    pub(super) tables: Vec<TableCount>,
    pub(super) left_out: Vec<LeftOut>,
}

impl Receipt {
    /// What was done.
    #[must_use]
    pub fn what(&self) -> What {
        self.what
    }

    /// Each registered table that has rows of users or tenants like the subject, in the order in which
    /// it was done.
    #[must_use]
    pub fn tables(&self) -> &[TableCount] {
        &self.tables
    }

    /// The tables that were left out, with the reason.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// The sum of the rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// How long it took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// The receipt as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let subject: serde_json::Map<_, _> = self
            .subject
            .iter()
            .map(|(name, value)| (name.to_string(), value.into()))
            .collect();
        let tables: Vec<_> = self
            .tables
            .iter()
            .map(|table| json!({"table": table.table, "rows": table.rows}))
            .collect();
        let left_out: Vec<_> = self
            .left_out
            .iter()
            .map(|table| json!({"table": table.table, "reason": table.reason}))
            .collect();

        json!({
            "what": self.what.as_str(),
            "subject": subject,
            "actor": self.actor,
            "reason": self.reason,
            "at": self.at,
            "seconds": self.took.as_secs_f64(),
            "rows": self.rows(),
            "tables": tables,
            "left_out": left_out,
        })
        .to_string()
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject: Vec<String> = self
            .subject
            .iter()
            .map(|(name, value)| format!("{name} = {}", crate::terminal::shown(value)))
            .collect();

        writeln!(f, "{} rows {}", self.rows(), self.what.as_str())?;
        writeln!(f, "of      {}", subject.join(", "))?;
        writeln!(
            f,
            "by      {} ({})",
            crate::terminal::shown(&self.actor),
            crate::terminal::shown(&self.reason)
        )?;
        write!(
            f,
            "at      {}, in {:.1} s",
            self.at,
            self.took.as_secs_f64()
        )?;
        for table in &self.tables {
            write!(f, "\n{:>10}  {}", table.rows, table.table)?;
        }
        for table in &self.left_out {
            write!(f, "\n  left out  {}: {}", table.table, table.reason)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("what", &self.what)
            .field("subject", &self.subject)
            .field("tables", &self.tables)
            .finish_non_exhaustive()
    }
}
