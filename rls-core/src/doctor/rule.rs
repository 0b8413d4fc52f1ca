use super::severity::Severity;

/// One thing that the doctor looks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its number, such as `RLS001`. A number is never given to another rule.
    pub id: &'static str,
    /// How much a finding matters, unless a suppression raises it.
    pub severity: Severity,
    /// What a finding of it reports, in a few words.
    pub title: &'static str,
    /// A page in Markdown: what the rule is about, and the remedy.
    pub page: &'static str,
}
