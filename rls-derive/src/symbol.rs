//! The words of `#[user_scoped(…)]`, each declared once.

/// A key of `#[user_scoped(…)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Backfill,
    Crate,
    Identity,
    Index,
    NoDefault,
    NoForeignKey,
    OnDelete,
    Owner,
    Setting,
    To,
    User,
}

impl Word {
    /// Ordered as messages list them.
    pub const ALL: [Self; 11] = [
        Self::Backfill,
        Self::Crate,
        Self::Identity,
        Self::Index,
        Self::NoDefault,
        Self::NoForeignKey,
        Self::OnDelete,
        Self::Owner,
        Self::Setting,
        Self::To,
        Self::User,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::Crate => "crate",
            Self::Identity => "identity",
            Self::Index => "index",
            Self::NoDefault => "no_default",
            Self::NoForeignKey => "no_foreign_key",
            Self::OnDelete => "on_delete",
            Self::Owner => "owner",
            Self::Setting => "setting",
            Self::To => "to",
            Self::User => "user",
        }
    }

    /// How the key is written, for messages.
    pub fn usage(self) -> &'static str {
        match self {
            Self::Backfill => r#"backfill = "<SQL expression>""#,
            Self::Crate => r#"crate = "path::to::crate""#,
            Self::Identity => "identity",
            Self::Index => "index(created_at)",
            Self::NoDefault => "no_default",
            Self::NoForeignKey => "no_foreign_key",
            Self::OnDelete => r#"on_delete = "cascade""#,
            Self::Owner => r#"owner = "author_id""#,
            Self::Setting => r#"setting = "app.user_id""#,
            Self::To => r#"to = "id""#,
            Self::User => "user = super::user::Entity",
        }
    }

    pub fn find(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|word| word.as_str() == key)
    }
}

/// ``one of `a`, `b`, `c` `` without the last space.
pub fn list(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{}`", word.as_ref())).collect();
    format!("one of {}", words.join(", "))
}

/// The candidate that a misspelt word most likely meant, if any is near.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = |candidate: &str| candidate.chars().count().min(word.chars().count()).div_ceil(3).min(3);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= near(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, where exchanging two neighbours counts as one step.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let mut steps = (last[j] + usize::from(l != r)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                steps = steps.min(before[j - 1] + 1);
            }
            row.push(steps);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}
