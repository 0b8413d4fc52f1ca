//! Measured times, and what is said of them.

use std::time::Duration;

/// The times of one strategy, one a round.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    times: Vec<Duration>,
}

impl Samples {
    /// Adds one.
    pub fn add(&mut self, time: Duration) {
        self.times.push(time);
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.times.len()
    }

    /// Half are shorter.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.quantile(1, 2)
    }

    /// One in a hundred is longer.
    #[must_use]
    pub fn p99(&self) -> Duration {
        self.quantile(99, 100)
    }

    fn quantile(&self, numerator: usize, denominator: usize) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        let at = (times.len() * numerator / denominator).min(times.len().saturating_sub(1));

        times.get(at).copied().unwrap_or_default()
    }
}

/// The middle one of some numbers.
#[must_use]
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The ratio of two medians.
#[must_use]
pub fn ratio(one: &Samples, other: &Samples) -> f64 {
    one.median().as_secs_f64() / other.median().as_secs_f64()
}

/// Three digits or so: `83.1 µs`, `2.04 ms`.
#[must_use]
pub fn time(time: Duration) -> String {
    let (number, unit) = match time.as_secs_f64() {
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };

    let decimals = match number {
        n if n < 10.0 => 2,
        n if n < 100.0 => 1,
        _ => 0,
    };

    format!("{number:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_samples() {
        let samples = Samples {
            times: (1..=200).rev().map(Duration::from_micros).collect(),
        };
        assert_eq!(samples.median(), Duration::from_micros(101));
        assert_eq!(samples.p99(), Duration::from_micros(199));
        assert_eq!(Samples::default().median(), Duration::ZERO);
    }

    #[test]
    fn times_have_three_digits() {
        let shown = [831, 83_100, 831_000, 2_040_000, 1_500_000_000]
            .map(|ns| time(Duration::from_nanos(ns)));
        assert_eq!(shown, ["0.83 µs", "83.1 µs", "831 µs", "2.04 ms", "1.50 s"]);
    }
}
