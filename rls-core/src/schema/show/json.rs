use serde_json::{Value, json};

use super::word::word;
use crate::name::Identifier;
use crate::schema::plan::{Breaking, Change, Plan, Unmanaged};

impl Plan {
    /// The plan as JSON:
    /// `{"changes": [{"change", "table", "sql", "weakens", "breaks": {"fails", "first"}}],
    /// "unmanaged": [{"table", "policy"}], "passwords": [role], "waiting": [table]}`; see
    /// [`Plan::breaking`], [`Plan::passwords`], [`Plan::waiting`].
    #[must_use]
    pub fn json(&self) -> String {
        let changes = self.changes.iter().enumerate();
        let changes: Vec<Value> = changes
            .map(|(at, of)| change(of, self.breaking.get(&at)))
            .collect();
        let unmanaged: Vec<Value> = self.unmanaged.iter().map(unmanaged).collect();
        let passwords: Vec<&str> = self.passwords.iter().map(Identifier::as_str).collect();
        let waiting: Vec<String> = self.waiting.iter().map(ToString::to_string).collect();

        json!({
            "changes": changes,
            "unmanaged": unmanaged,
            "passwords": passwords,
            "waiting": waiting,
        })
        .to_string()
    }
}

fn change(change: &Change, breaking: Option<&Breaking>) -> Value {
    let (_, word) = word(change);
    json!({
        "change": word,
        "table": change.table().map(ToString::to_string),
        "sql": change.sql(),
        "weakens": change.weakens(),
        "breaks": breaking.map(|it| json!({ "fails": it.fails, "first": it.first })),
    })
}

fn unmanaged(unmanaged: &Unmanaged) -> Value {
    match unmanaged {
        Unmanaged::Policy { table, policy } => {
            json!({ "table": table.to_string(), "policy": policy.as_str() })
        }
        Unmanaged::Table { table } => json!({ "table": table.to_string(), "policy": null }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::TableName;
    use crate::schema::plan::RowSecurityChange;

    /// The word and the statement of a change, and whether it weakens.
    fn shown(change: RowSecurityChange) -> (String, String, bool) {
        let table = TableName {
            schema: None,
            table: Identifier::new("task").unwrap(),
        };

        let plan = Plan {
            changes: vec![Change::on(table, change)],
            ..Plan::default()
        };

        let json: Value = serde_json::from_str(&plan.json()).unwrap();
        let change = &json["changes"][0];
        let text = |value: &Value| value.as_str().unwrap().to_owned();

        (
            text(&change["change"]),
            text(&change["sql"][0]),
            !change["weakens"].is_null(),
        )
    }

    #[test]
    fn word_of_row_security_says_what_its_statement_does() {
        let words = [
            (RowSecurityChange::Enable, "enable_row_security", "ENABLE"),
            (
                RowSecurityChange::Disable,
                "disable_row_security",
                "DISABLE",
            ),
            (RowSecurityChange::Force, "force_row_security", "FORCE"),
            (
                RowSecurityChange::NoForce,
                "no_force_row_security",
                "NO FORCE",
            ),
            (RowSecurityChange::LiftForce, "lift_force", "NO FORCE"),
            (RowSecurityChange::RestoreForce, "restore_force", "FORCE"),
        ];

        for (change, word, sql) in words {
            let sql = format!("ALTER TABLE \"task\" {sql} ROW LEVEL SECURITY");
            let weakens = matches!(
                change,
                RowSecurityChange::Disable | RowSecurityChange::NoForce
            );
            assert_eq!(shown(change), (word.to_owned(), sql, weakens));
        }
    }
}
