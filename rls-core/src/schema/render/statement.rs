/// A statement, and how it is shown: the same but for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) shown: String,
    /// The value that the text reads from the setting `rls.secret`.
    pub(crate) secret: Option<String>,
}

impl Statement {
    /// A statement without secrets.
    pub(super) fn plain(text: String) -> Self {
        Self {
            shown: text.clone(),
            text,
            secret: None,
        }
    }
}
