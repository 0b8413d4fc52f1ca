//! `Debug` of errors. Imports nothing of this crate.

/// Makes `Debug` say what `Display` says: a `main` that returns an error prints its `Debug`, and
/// what to do is in the words.
macro_rules! debug_is_display {
    ($error:ty) => {
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}

pub(crate) use debug_is_display;
