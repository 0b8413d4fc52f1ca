//! Numbers that are aimed at: reported, never asserted.

use crate::options::{Effort, Options};
use crate::table::{Table, section};

/// A ratio and where it should be.
#[derive(Clone, Debug)]
pub struct Target {
    what: String,
    measured: f64,
    limit: Limit,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    /// To be no more than this.
    #[must_use]
    pub fn at_most(what: &str, limit: f64, measured: f64) -> Self {
        Self {
            what: what.to_owned(),
            measured,
            limit: Limit::AtMost(limit),
        }
    }

    /// To be no less than this.
    #[must_use]
    pub fn at_least(what: &str, limit: f64, measured: f64) -> Self {
        Self {
            what: what.to_owned(),
            measured,
            limit: Limit::AtLeast(limit),
        }
    }

    fn cells(&self) -> [String; 4] {
        let (limit, met) = match self.limit {
            Limit::AtMost(limit) => (format!("≤ {limit:.2}"), self.measured <= limit),
            Limit::AtLeast(limit) => (format!("≥ {limit:.2}"), self.measured >= limit),
        };

        let met = if met { "met" } else { "NOT met" };

        [
            self.what.clone(),
            limit,
            format!("{:.3}", self.measured),
            met.to_owned(),
        ]
    }
}

/// The targets of a run.
#[derive(Clone, Debug, Default)]
pub struct Targets(Vec<Target>);

impl Targets {
    /// Adds one.
    pub fn add(&mut self, target: Target) {
        self.0.push(target);
    }

    /// Prints them as a section; not those of a smoke run, whose numbers say nothing.
    pub fn print(&self, options: &Options) {
        if options.effort == Effort::Smoke {
            return;
        }

        let mut table = Table::new(&["ratio", "target", "measured", ""]);
        for target in &self.0 {
            table.row(target.cells());
        }

        section("Targets", table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_inclusive() {
        let met = |target: Target| target.cells()[3] == "met";
        assert!(met(Target::at_most("", 1.0, 1.0)) && met(Target::at_least("", 1.4, 1.4)));
        assert!(!met(Target::at_most("", 1.0, 1.01)) && !met(Target::at_most("", 1.0, f64::NAN)));
    }
}
