use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};

use crate::error::CliError;

/// Prints to standard output. A reader that has closed it, as `head` does, is no error.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CliError::Print(error)),
        _ => Ok(()),
    }
}

/// Whether standard output takes colours (<https://no-color.org>).
pub(super) fn colours() -> bool {
    coloured(
        io::stdout().is_terminal(),
        env::var_os("NO_COLOR").as_deref(),
        env::var_os("TERM").as_deref(),
    )
}

fn coloured(terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    terminal && no_color.is_none_or(OsStr::is_empty) && term.is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_whose_user_wants_them() {
        let on = Some(OsStr::new("1"));
        assert!(coloured(true, None, on) && coloured(true, Some(OsStr::new("")), None));
        assert!(!coloured(false, None, on) && !coloured(true, on, None));
        assert!(!coloured(true, None, Some(OsStr::new("dumb"))));
    }
}
