//! Privileges: `grant(…)` and `admin(…)`.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Result, Token, parenthesized, token};

use super::Name;
use crate::spelling::{did_you_mean, list};

/// `insert`, or `insert(title, done)`, as it is written.
pub(crate) struct Written {
    name: Name,
    /// The fields in the parentheses, if there are any.
    columns: Option<Vec<Name>>,
}

impl Parse for Written {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.call(Name::parse)?;
        let columns = if input.peek(token::Paren) {
            let content;
            parenthesized!(content in input);
            let columns = Punctuated::<Name, Token![,]>::parse_terminated(&content)?;
            Some(columns.into_iter().collect())
        } else {
            None
        };

        Ok(Self { name, columns })
    }
}

/// A privilege, and the fields to which it is limited; without any, it holds for the whole table.
pub(crate) struct Granted {
    pub privilege: Privilege,
    pub columns: Vec<Name>,
}

/// A privilege of one of the two roles.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privilege {
    Select,
    Insert,
    Update,
    Delete,
}

impl Privilege {
    const ALL: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// The variant's name.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Self::Select => "Select",
            Self::Insert => "Insert",
            Self::Update => "Update",
            Self::Delete => "Delete",
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// Why it cannot be limited to columns.
    fn whole(self) -> Option<&'static str> {
        match self {
            Self::Select => Some(
                "SeaORM selects every column of the model, so each query would be refused: keep the \
                 column in a table of its own",
            ),
            Self::Delete => Some("a row is deleted with all its columns"),
            Self::Insert | Self::Update => None,
        }
    }

    fn new(name: &Name) -> Result<Self> {
        let folded = name.value.to_lowercase();
        Self::ALL
            .into_iter()
            .find(|privilege| privilege.as_str() == folded)
            .ok_or_else(|| {
                let words = Self::ALL.map(Self::as_str);
                let (expected, hint) = (list(words), did_you_mean(&folded, words));

                Error::new(
                    name.span,
                    format!(
                        "unknown privilege `{}`, expected {expected}{hint}",
                        name.value
                    ),
                )
            })
    }
}

impl Granted {
    /// The privileges that are written, and all errors in them. The fields of those that can be read
    /// are checked in any case.
    pub(super) fn all(written: Vec<Written>) -> (Vec<Self>, Result<()>) {
        let mut granted: Vec<Self> = Vec::new();
        let mut errors = Vec::new();
        for one in written {
            let (one, wrong) = Self::new(one, &granted);
            granted.extend(one);
            errors.extend(wrong);
        }

        let errors = errors.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        });
        (granted, errors.map_or(Ok(()), Err))
    }

    fn new(written: Written, earlier: &[Self]) -> (Option<Self>, Vec<Error>) {
        let span = written.name.span;
        let privilege = match Privilege::new(&written.name) {
            Ok(privilege) => privilege,
            Err(error) => return (None, vec![error]),
        };
        let word = privilege.as_str();

        let mut errors = Vec::new();
        if earlier.iter().any(|other| other.privilege == privilege) {
            errors.push(Error::new(span, format!("`{word}` is granted twice")));
        }

        let is_whole = written.columns.is_none();
        let columns = written.columns.unwrap_or_default();
        if let Some(why) = privilege.whole()
            && !is_whole
        {
            let message = format!("`{word}` takes no columns: {why}");
            errors.push(Error::new(span, message));
            return (None, errors);
        }

        if columns.is_empty() && !is_whole {
            let message = format!("expected `{word}(title)`, or `{word}` for all columns");
            errors.push(Error::new(span, message));
        }

        for (position, name) in columns.iter().enumerate() {
            let is_same = |other: &Name| other.value == name.value;
            if columns[..position].iter().any(is_same) {
                let message = format!("`{}` is named twice", name.value);
                errors.push(Error::new(name.span, message));
            }
        }

        (Some(Self { privilege, columns }), errors)
    }
}
