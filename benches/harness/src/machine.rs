//! Where numbers come from.

use std::env::consts;
use std::{fs, thread};

/// One line about this machine and the server, to stand above the numbers.
#[must_use]
pub fn machine(server: &str) -> String {
    let processors = thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    let model = model.unwrap_or("unknown model").split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{processors} processors ({model}), {} {}; {server}", consts::OS, consts::ARCH)
}
