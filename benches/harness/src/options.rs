//! What to run, and for how long: arguments after `--`, and the environment.

use std::env;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

/// How much time numbers are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Everything once, to see that it works: what a bench does when it is run as a test.
    Smoke,
    /// Rough numbers within a minute.
    Quick,
    /// Numbers to keep.
    Full,
}

impl Effort {
    /// What is to be said of the numbers.
    #[must_use]
    pub fn remark(self) -> &'static str {
        match self {
            Self::Smoke => "\n\nRun as a test: these numbers say only that everything works.",
            Self::Quick => "\n\nA quick run: rough numbers.",
            Self::Full => "",
        }
    }
}

/// The options of one run.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--quick` or `BENCH_QUICK=1`; smoke if Cargo does not say `--bench`.
    pub effort: Effort,
    /// For one table: `BENCH_SECONDS`.
    pub budget: Duration,
    words: Vec<String>,
}

impl Options {
    /// Reads arguments and environment; `quick` and `full` are the seconds for one table if none
    /// are given.
    ///
    /// # Panics
    ///
    /// On a flag or a value that is not known, with what it should be.
    #[must_use]
    pub fn read(quick: f64, full: f64) -> Self {
        let (mut bench, mut is_quick, mut words) = (
            false,
            env::var("BENCH_QUICK").is_ok_and(|v| v != "0"),
            Vec::new(),
        );

        for argument in env::args().skip(1) {
            match &*argument {
                "--bench" => bench = true,
                "--quick" => is_quick = true,
                word if !word.starts_with('-') => words.push(argument),
                other => {
                    panic!("{other} is not known: --quick, or words that a section's title holds")
                }
            }
        }

        let (effort, seconds) = match (bench, is_quick) {
            (false, _) => (Effort::Smoke, 0.0),
            (true, true) => (Effort::Quick, quick),
            (true, false) => (Effort::Full, full),
        };

        let seconds = if bench {
            variable("BENCH_SECONDS", seconds)
        } else {
            seconds
        };

        Self {
            effort,
            budget: Duration::from_secs_f64(seconds),
            words,
        }
    }

    /// Whether the words of the command line ask for this section; all are asked for if there
    /// are none.
    #[must_use]
    pub fn wants(&self, section: &str) -> bool {
        self.words.is_empty()
            || self
                .words
                .iter()
                .any(|word| section.contains(word.as_str()))
    }

    /// A number of rows: the variable, else the one for the effort.
    ///
    /// # Panics
    ///
    /// On a value that is no number.
    #[must_use]
    pub fn rows(&self, name: &str, smoke: u64, quick: u64, full: u64) -> u64 {
        match self.effort {
            Effort::Smoke => smoke,
            Effort::Quick => variable(name, quick),
            Effort::Full => variable(name, full),
        }
    }
}

fn variable<T: FromStr<Err: Display>>(name: &str, default: T) -> T {
    match env::var(name) {
        Ok(value) => value
            .parse()
            .unwrap_or_else(|error| panic!("{name}={value}: {error}")),
        Err(_) => default,
    }
}
