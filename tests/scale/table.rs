//! The table of results, as it stands in the manual.

/// An engine in a mode.
pub struct Row {
    engine: &'static str,
    version: &'static str,
    mode: String,
    pub isolation: String,
    pub cancellation: String,
    pub load: String,
    pub failover: String,
    faults: Vec<String>,
}

impl Row {
    pub fn new(engine: &'static str, version: &'static str, mode: &str) -> Self {
        let none = || "–".to_owned();
        Self {
            engine,
            version,
            mode: mode.to_owned(),
            isolation: none(),
            cancellation: none(),
            load: none(),
            failover: none(),
            faults: Vec::new(),
        }
    }

    /// What `connect` refuses runs nothing.
    pub fn refused(mut self, reason: &str) -> Self {
        reason.clone_into(&mut self.isolation);
        self
    }

    pub fn name(&self) -> String {
        format!("{} {} {}", self.engine, self.version, self.mode)
    }

    pub fn add_faults(&mut self, faults: Vec<String>) {
        self.faults.extend(faults);
    }
}

/// Prints all rows; whether all passed.
pub fn print(rows: &[Row]) -> bool {
    println!("\n| engine | version | mode | isolation | cancellation | load | failover |");
    println!("|---|---|---|---|---|---|---|");
    for row in rows {
        let cells = [
            row.engine,
            row.version,
            &row.mode,
            &row.isolation,
            &row.cancellation,
            &row.load,
            &row.failover,
        ];
        println!("| {} |", cells.join(" | "));
    }

    for row in rows.iter().filter(|row| !row.faults.is_empty()) {
        println!("FAILED: {}: {}", row.name(), row.faults.join("; "));
    }

    rows.iter().all(|row| row.faults.is_empty())
}
