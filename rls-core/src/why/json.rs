//! An answer for programs.

use serde_json::{Map, Value as Json, json};

use super::answer::{Answer, CommandAnswer, PolicyAnswer};
use super::cause::Cause;
use super::part::{Part, PartKind};
use super::value::Value;
use crate::model::policy::PolicyKind;
use crate::schema::read::Origin;

impl Answer {
    /// Formats the answer as JSON:
    /// `{"table", "row": {column: value}, "login", "context": {setting: value}, "declared": ["file:line"], "security", "commands": [{"command", "outcome", "causes": [{"kind", "text", "remedy", "cause"}], "policies": [{"name", "kind", "side", "origin", "value", "part": {"kind", "condition", "value", "facts": {name: value}, "parts"}}]}]}`.
    ///
    /// A value is a text or null. `cause` of a cause is that of the row it belongs through, or null.
    #[must_use]
    pub fn json(&self) -> String {
        json!({
            "table": self.table.to_string(),
            "row": object(self.row.iter().map(|(name, value)| (name.to_string(), value))),
            "login": self.login.as_str(),
            "context": object(self.context.iter().map(|(name, value)| (name.to_string(), value))),
            "declared": self.declared.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "security": self.security.as_str(),
            "commands": self.commands.iter().map(command).collect::<Vec<_>>(),
        })
        .to_string()
    }
}

fn object<'a>(values: impl Iterator<Item = (String, &'a Value)>) -> Json {
    let values = values.map(|(name, value)| (name, json!(value.expose())));
    Json::Object(values.collect::<Map<_, _>>())
}

fn command(answer: &CommandAnswer) -> Json {
    json!({
        "command": answer.command.as_sql(),
        "outcome": answer.outcome.as_str(),
        "causes": answer.causes.iter().map(cause).collect::<Vec<_>>(),
        "policies": answer.policies.iter().map(policy).collect::<Vec<_>>(),
    })
}

fn cause(cause: &Cause) -> Json {
    let of_parent = match cause {
        Cause::Parent { cause, .. } => self::cause(cause),
        _ => Json::Null,
    };
    json!({
        "kind": cause.as_str(),
        "text": cause.to_string(),
        "remedy": cause.remedy(),
        "cause": of_parent,
    })
}

fn policy(policy: &PolicyAnswer) -> Json {
    let kind = match policy.kind {
        PolicyKind::Permissive => "permissive",
        PolicyKind::Restrictive => "restrictive",
    };
    let origin = match policy.origin {
        Origin::ByHand => "by_hand",
        Origin::Applied => "applied",
        Origin::Altered => "altered",
    };
    json!({
        "name": policy.name.as_str(),
        "kind": kind,
        "side": policy.side.as_sql(),
        "origin": origin,
        "value": policy.value.as_str(),
        "part": part(&policy.part),
    })
}

fn part(part: &Part) -> Json {
    let kind = match &part.kind {
        PartKind::All => "all",
        PartKind::Any => "any",
        PartKind::Holder { .. } => "holder",
        PartKind::Shared { .. } => "shared",
        PartKind::NotDeleted { .. } => "not_deleted",
        PartKind::Through { .. } => "through",
        PartKind::Condition => "condition",
    };
    json!({
        "kind": kind,
        "condition": part.condition,
        "value": part.value.as_str(),
        "facts": object(part.facts.iter().map(|(name, value)| (name.clone(), value))),
        "parts": part.parts.iter().map(self::part).collect::<Vec<_>>(),
    })
}
