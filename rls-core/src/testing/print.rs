//! Prints a proof: a row for each table, a column for each attempt, a symbol for each actor.

use std::fmt::{self, Write as _};

use crate::name::TableName;

use super::{Actor, Attempt, Cell, Proof};

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.matrix(f)?;
        self.reasons(f)?;

        for table in &self.untested {
            write!(f, "\nUNTESTED: {}: {}", table.table, table.reason)?;
        }

        for finding in &self.gate {
            write!(f, "\nGATE: {finding}")?;
        }

        for table in &self.accepted {
            write!(f, "\nleft out: {}: {}", table.table, table.reason)?;
        }

        Ok(())
    }
}

impl Proof {
    /// A line for each table, with the outcomes of each attempt.
    fn matrix(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tables: Vec<&TableName> = self.cells.iter().map(|cell| &cell.table).collect();
        tables.dedup();

        let width = tables
            .iter()
            .map(|table| table.to_string().chars().count())
            .max()
            .unwrap_or(0)
            .max("table".len());

        write!(f, "{:<width$}", "table")?;
        for attempt in Attempt::EACH {
            write!(f, " {:<3}", attempt.as_str())?;
        }

        for table in tables {
            let mut line = format!("{:<width$}", table.to_string());
            for attempt in Attempt::EACH {
                let of = |actor| {
                    self.cells
                        .iter()
                        .find(|c| c.table == *table && c.attempt == attempt && c.actor == actor)
                };

                let symbols: String = Actor::EACH
                    .iter()
                    .map(|actor| of(*actor).map_or('.', |cell| cell.outcome.symbol()))
                    .collect();

                let column = attempt.as_str().len().max(3);
                write!(line, " {symbols:<column$}")?;
            }

            write!(f, "\n{}", line.trim_end())?;
        }

        f.write_str(
            "\nEach cell: the first user, the second user, nobody. + held, r refused as declared, \
             o open as declared, . not applicable, L leak, V vacuous, ? untested",
        )
    }

    /// A line for each failure, with all its actors.
    fn reasons(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut failures = self.failures().peekable();
        while let Some(cell) = failures.next() {
            let reason = cell.outcome.failure().unwrap_or_default();
            write!(
                f,
                "\n{}: {}, {} as {}",
                cell.outcome, cell.table, cell.attempt, cell.actor
            )?;

            let same = |other: &&Cell| {
                other.table == cell.table
                    && other.attempt == cell.attempt
                    && other.outcome == cell.outcome
            };

            while let Some(other) = failures.next_if(same) {
                write!(f, " and {}", other.actor)?;
            }

            write!(f, ": {reason}")?;
        }

        Ok(())
    }
}
