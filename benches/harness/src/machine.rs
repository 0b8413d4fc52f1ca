//! Where numbers come from.

use std::env::consts;
use std::{fs, thread};

/// One line about this machine and the server, to stand above the numbers.
#[must_use]
pub fn machine(server: &str) -> String {
    let used = thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let there = cpuinfo
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count()
        .max(used);

    let model = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split(": ").nth(1));

    let model = model
        .unwrap_or("unknown model")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");

    format!(
        "{used} of {there} processors ({model}), {} {}; {server}",
        consts::OS,
        consts::ARCH
    )
}

/// Keeps this thread, and all threads and processes that it starts from now on, on one processor;
/// elsewhere than on Linux it does nothing.
///
/// Whether a process wakes on the processor that wakes it, or on another that sleeps, can double
/// the time of a short statement; here it is the same for all.
pub fn one_processor() {
    #[cfg(target_os = "linux")]
    {
        use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
        use nix::unistd::Pid;

        let this_thread = Pid::from_raw(0);
        let Ok(allowed) = sched_getaffinity(this_thread) else {
            return;
        };

        // The last, for interrupts go to the first.
        if let Some(last) = (0..CpuSet::count())
            .rev()
            .find(|&cpu| allowed.is_set(cpu).unwrap_or(false))
        {
            let mut one = CpuSet::new();
            let _kept = one
                .set(last)
                .and_then(|()| sched_setaffinity(this_thread, &one));
        }
    }
}
