use super::finding::Finding;
use super::rules::RULES;
use super::severity::Severity;
use crate::debug::debug_is_display;

/// What a project has decided about findings: the allow list in a file.
///
/// The file has one suppression a line. Lines that begin with `#` are comments:
///
/// ```text
/// # decided in March
/// allow RLS208 public.user_email_key addresses are public here
/// allow RLS009 * nobody can inject SQL here
/// deny  RLS209
/// ```
///
/// `allow` takes a rule, an object and a reason. `deny` takes a rule and, optionally, an object,
/// and makes the findings errors. `*` is any object. An object with spaces is in double quotes, and
/// double quotes in it are doubled. A later line overrides an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suppressions {
    suppressions: Vec<Suppression>,
}

/// One line of [`Suppressions`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The rule's number.
    pub rule: &'static str,
    /// The object; `None` for any.
    pub object: Option<String>,
    /// Why it is allowed; `None` for `deny`.
    pub reason: Option<String>,
    /// The line in the file, from 1.
    pub line: usize,
}

/// A line that is not a suppression.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SuppressionError {
    /// The line begins with neither `allow` nor `deny`.
    #[error(
        "line {line}: `{word}` is not a suppression: write `allow RULE OBJECT REASON` or `deny RULE \
         [OBJECT]`"
    )]
    Word {
        /// The line, from 1.
        line: usize,
        /// The first word.
        word: String,
    },
    /// The rule does not exist.
    #[error("line {line}: there is no rule `{rule}`")]
    Rule {
        /// The line, from 1.
        line: usize,
        /// The second word.
        rule: String,
    },
    /// `allow` without an object or a reason.
    #[error(
        "line {line}: an object (`*` for any) or the reason is missing: `allow RULE OBJECT REASON`"
    )]
    NoReason {
        /// The line, from 1.
        line: usize,
    },
    /// The object's closing quote is missing.
    #[error("line {line}: the object's closing quote is missing")]
    Quote {
        /// The line, from 1.
        line: usize,
    },
}

debug_is_display!(SuppressionError);

impl Suppressions {
    /// Parses the text of a file.
    ///
    /// # Errors
    ///
    /// [`SuppressionError`] for the first line that is not a suppression.
    ///
    /// ```
    /// use rls_core::doctor::Suppressions;
    /// let suppressions = Suppressions::parse("allow RLS208 public.user_email_key addresses are public here")?;
    /// assert_eq!(suppressions.iter().count(), 1);
    /// # Ok::<(), rls_core::doctor::SuppressionError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, SuppressionError> {
        let lines = text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line.trim()));

        let suppressions = lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(line, text)| suppression(line, text));

        Ok(Self {
            suppressions: suppressions.collect::<Result<_, _>>()?,
        })
    }

    /// Writes one line: with a reason it allows the findings of a rule, without one it denies them.
    ///
    /// # Errors
    ///
    /// [`SuppressionError`] if the rule does not exist, or the reason is blank.
    pub fn line(
        rule: &str,
        object: Option<&str>,
        reason: Option<&str>,
    ) -> Result<String, SuppressionError> {
        // An object's name may contain a line break.
        let one_line = |text: &str| text.split(['\n', '\r']).collect::<Vec<_>>().join(" ");
        let object = object.map_or_else(
            || "*".to_owned(),
            |text| format!("\"{}\"", one_line(text).replace('"', "\"\"")),
        );

        let word = if reason.is_some() { "allow" } else { "deny" };
        let line = format!(
            "{word} {} {object} {}",
            rule.trim(),
            one_line(reason.unwrap_or_default())
        );

        suppression(1, line.trim_end()).map(|_| line.trim_end().to_owned())
    }

    /// Iterates over the suppressions in the order of their lines.
    pub fn iter(&self) -> impl Iterator<Item = &Suppression> {
        self.suppressions.iter()
    }

    /// Applies the suppressions in order, so that a later one overrides an earlier one. Returns
    /// those that allow something and match no finding.
    pub(super) fn apply(&self, findings: &mut [Finding]) -> Vec<Suppression> {
        let mut unused = Vec::new();
        for suppression in &self.suppressions {
            let mut used = false;
            for finding in findings
                .iter_mut()
                .filter(|finding| suppression.is_of(finding))
            {
                used = true;
                finding.allowed.clone_from(&suppression.reason);

                finding.severity = if suppression.reason.is_some() {
                    finding.rule.severity
                } else {
                    Severity::Error
                };
            }

            if !used && suppression.reason.is_some() {
                unused.push(suppression.clone());
            }
        }

        unused
    }
}

impl Suppression {
    fn is_of(&self, finding: &Finding) -> bool {
        self.rule == finding.rule.id
            && self
                .object
                .as_ref()
                .is_none_or(|object| *object == finding.object)
    }
}

fn suppression(line: usize, text: &str) -> Result<Suppression, SuppressionError> {
    let (word, rest) = split(text);
    let (number, rest) = split(rest);

    if !matches!(word, "allow" | "deny") {
        return Err(SuppressionError::Word {
            line,
            word: word.to_owned(),
        });
    }

    let rule = RULES
        .iter()
        .find(|rule| rule.id.eq_ignore_ascii_case(number));
    let rule = rule
        .ok_or_else(|| SuppressionError::Rule {
            line,
            rule: number.to_owned(),
        })?
        .id;

    let (object, reason) = if let Some(text) = rest.strip_prefix('"') {
        let (object, reason) = quoted(text).ok_or(SuppressionError::Quote { line })?;

        // An empty object would mean any object.
        if object.is_empty() {
            return Err(SuppressionError::NoReason { line });
        }

        (object, reason)
    } else {
        let (object, reason) = split(rest);
        (object.to_owned(), reason)
    };

    let reason = reason.trim();
    let object = (!object.is_empty() && object != "*").then_some(object);

    if word == "deny" {
        return Ok(Suppression {
            rule,
            object,
            reason: None,
            line,
        });
    }

    if reason.is_empty() {
        return Err(SuppressionError::NoReason { line });
    }

    Ok(Suppression {
        rule,
        object,
        reason: Some(reason.to_owned()),
        line,
    })
}

/// The text up to the closing quote, and the rest behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut object = String::new();
    let mut rest = text;

    loop {
        let (part, after) = rest.split_once('"')?;
        object.push_str(part);

        match after.strip_prefix('"') {
            Some(more) => {
                object.push('"');
                rest = more;
            }
            None => return Some((object, after)),
        }
    }
}

fn split(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::remedy::Remedy;
    use crate::doctor::rules;

    #[test]
    fn a_later_suppression_overrides_an_earlier_one_and_unused_ones_are_reported() {
        let text = "deny RLS208\nallow rls208 \"public.a b\" known\n\n# since May\nallow RLS009 * \
                    not here\n";
        let suppressions = Suppressions::parse(text).unwrap();
        let finding = |object| Finding::new(&rules::RLS208, object, "", Remedy::Migrate);
        let mut findings = [finding("public.a b"), finding("public.c")];
        let unused = suppressions.apply(&mut findings);

        assert_eq!(
            unused
                .iter()
                .map(|suppression| suppression.line)
                .collect::<Vec<_>>(),
            [5]
        );
        assert_eq!(
            (findings[0].allowed.as_deref(), findings[0].severity),
            (Some("known"), Severity::Hint)
        );

        assert_eq!(
            (findings[1].allowed.as_deref(), findings[1].severity),
            (None, Severity::Error)
        );
    }

    #[test]
    fn a_line_is_read_back_whatever_the_object_is_called() {
        for object in ["public.a b", "public.total(\"My Type\")", "\"", "x"] {
            let line = Suppressions::line("rls308", Some(object), Some("it is\nmeant")).unwrap();
            let suppressions = Suppressions::parse(&line).unwrap();
            let [suppression] = suppressions.suppressions.as_slice() else {
                panic!("{line}")
            };

            assert_eq!(
                (suppression.object.as_deref(), suppression.reason.as_deref()),
                (Some(object), Some("it is meant")),
                "{line}"
            );
        }

        assert_eq!(
            Suppressions::line("RLS308", None, None).unwrap(),
            "deny RLS308 *"
        );
        assert_eq!(
            Suppressions::line("RLS308", None, Some(" ")),
            Err(SuppressionError::NoReason { line: 1 })
        );
        assert!(Suppressions::line("RLS999", None, None).is_err());
    }

    #[test]
    fn a_line_that_is_no_suppression_is_an_error_with_its_number() {
        for (text, expected) in [
            (
                "\nallow RLS208 public.a",
                SuppressionError::NoReason { line: 2 },
            ),
            ("allow RLS208 *", SuppressionError::NoReason { line: 1 }),
            (
                "ignore RLS208",
                SuppressionError::Word {
                    line: 1,
                    word: "ignore".to_owned(),
                },
            ),
            (
                "allow RLS208 \"\" why",
                SuppressionError::NoReason { line: 1 },
            ),
            (
                "deny RLS999",
                SuppressionError::Rule {
                    line: 1,
                    rule: "RLS999".to_owned(),
                },
            ),
            (
                "allow RLS208 \"public.a why",
                SuppressionError::Quote { line: 1 },
            ),
        ] {
            assert_eq!(Suppressions::parse(text), Err(expected), "{text}");
        }
    }
}
