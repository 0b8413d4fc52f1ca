use std::env;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rls_core::RlsSchema;

/// The time before the first line, and between two lines.
const STEP: Duration = Duration::from_secs(1);

/// Runs `work`. If it takes longer than a second and standard error is a terminal, a line there
/// says what is being done, and is removed at the end.
pub(super) async fn during<T>(what: impl Into<String>, work: impl Future<Output = T>) -> T {
    let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    let _progress = (io::stderr().is_terminal() && !is_dumb)
        .then(|| Progress::new(what.into(), io::stderr(), STEP));
    work.await
}

/// The progress line of commands that plan, which takes a while with many tables.
pub(super) fn comparing(rls: &RlsSchema) -> String {
    format!(
        "Comparing {} tables with their entities",
        rls.registry().scopes().len()
    )
}

/// The progress line of commands that run the doctor.
pub(super) fn examining(rls: &RlsSchema) -> String {
    format!("Examining {} tables", rls.registry().scopes().len())
}

/// A line that is rewritten until this is dropped.
struct Progress {
    over: Option<Sender<()>>,
    writer: Option<JoinHandle<()>>,
}

impl Progress {
    fn new(what: String, out: impl Write + Send + 'static, step: Duration) -> Self {
        let (over, waits) = mpsc::channel();

        // A thread, since the work may block its own for long, and this crate depends on no runtime.
        let writer = thread::spawn(move || write(&what, out, step, || waits.recv_timeout(step)));

        Self {
            over: Some(over),
            writer: Some(writer),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(writer) = self.writer.take() {
            // It cannot panic, and nothing depends on it.
            let _ended = writer.join();
        }
    }
}

fn write(
    what: &str,
    mut out: impl Write,
    step: Duration,
    mut wait: impl FnMut() -> Result<(), RecvTimeoutError>,
) {
    let begun = Instant::now();
    let mut shown = false;

    while wait() == Err(RecvTimeoutError::Timeout) {
        let seconds = begun.elapsed().max(step).as_secs();

        // A closed standard error is no reason to stop the work.
        shown |= write!(out, "\r{what} … {seconds} s\x1b[K")
            .and_then(|()| out.flush())
            .is_ok();
    }

    if shown {
        let _closed = write!(out, "\r\x1b[K").and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(answers: &[RecvTimeoutError]) -> String {
        let mut answers = answers.iter().copied();
        let mut out = Vec::new();
        write("Comparing", &mut out, STEP, || {
            answers.next().map_or(Ok(()), Err)
        });

        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quick_work_says_nothing_and_slow_work_leaves_nothing() {
        use RecvTimeoutError::{Disconnected, Timeout};

        assert_eq!(written(&[Disconnected]), "");
        assert_eq!(
            written(&[Timeout, Timeout, Disconnected]),
            "\rComparing … 1 s\x1b[K\rComparing … 1 s\x1b[K\r\x1b[K"
        );
    }

    #[test]
    fn a_dropped_progress_has_ended() {
        drop(Progress::new(
            "Comparing".to_owned(),
            io::sink(),
            Duration::from_millis(1),
        ));
    }
}
