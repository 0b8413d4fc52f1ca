use std::collections::BTreeSet;

use crate::model::key::OnDelete;
use crate::model::privilege::Privilege;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, Verifier};

use super::audit::create_audit;
use crate::sql::expression;
use crate::sql::{alter_policy, comment_on_policy, create_policy};
use crate::sql::{identifier, literal, table};

/// The attributes of a role that logs in and never bypasses row security.
const LOGIN: &str = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS";

/// The server alters no table for which a deferred check is still to come.
const IMMEDIATE: &str = "SET CONSTRAINTS ALL IMMEDIATE";

/// A statement, and how it is shown: the same but for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) shown: String,
    /// What the text reads from the setting `rls.secret`.
    pub(crate) secret: Option<String>,
}

/// The statements of a change, one a message.
#[expect(
    clippy::too_many_lines,
    reason = "one arm a change, and no change without one"
)]
pub(crate) fn change(change: &Change) -> Vec<Statement> {
    let plain = |statements: Vec<String>| {
        statements
            .into_iter()
            .map(|text| Statement {
                shown: text.clone(),
                text,
                secret: None,
            })
            .collect()
    };

    let one = |text: String| plain(vec![text]);

    match change {
        Change::CreateRole { role, verifier } => {
            vec![with_password(
                format!("CREATE ROLE {} {LOGIN}", identifier(role)),
                verifier.as_ref(),
            )]
        }
        Change::AlterRole {
            role,
            attributes,
            verifier,
        } => {
            let mut words = vec![format!("ALTER ROLE {}", identifier(role))];
            words.extend(attributes.iter().map(|&word| word.to_owned()));
            vec![with_password(words.join(" "), verifier.as_ref())]
        }
        Change::RevokeMembership {
            role,
            member,
            grantor,
        } => {
            // With what the member passed on.
            let by = grantor
                .as_ref()
                .map(|grantor| format!(" GRANTED BY {} CASCADE", identifier(grantor)));
            one(format!(
                "REVOKE {} FROM {}{}",
                identifier(role),
                identifier(member),
                by.unwrap_or_default()
            ))
        }
        Change::EndInheritance {
            role,
            member,
            grantor,
        } => one(format!(
            "GRANT {} TO {} WITH INHERIT FALSE GRANTED BY {}",
            identifier(role),
            identifier(member),
            identifier(grantor)
        )),
        Change::LiftForce { table: name } => one(force(&table(name), false)),
        Change::RestoreForce { table: name } => one(force(&table(name), true)),
        Change::AddOwnerColumn {
            table: name,
            column,
            key,
            backfill,
        } => {
            let (name, quoted) = (table(name), identifier(column));
            let add = format!("ALTER TABLE {name} ADD COLUMN {quoted} {}", key.as_sql());

            match backfill {
                None => one(format!("{add} NOT NULL")),
                Some(backfill) => plain(vec![
                    add,
                    update(&name, &quoted, backfill),
                    IMMEDIATE.to_owned(),
                    format!("ALTER TABLE {name} ALTER COLUMN {quoted} SET NOT NULL"),
                ]),
            }
        }
        Change::SetNotNull {
            table: name,
            column,
            backfill,
            unproven,
        } => {
            let (name, quoted) = (table(name), identifier(column));
            let set = match unproven {
                None => format!("ALTER TABLE {name} ALTER COLUMN {quoted} SET NOT NULL"),
                Some(constraint) => format!(
                    "ALTER TABLE {name} VALIDATE CONSTRAINT {}",
                    identifier(constraint)
                ),
            };

            let fill = backfill
                .as_ref()
                .map(|backfill| [update(&name, &quoted, backfill), IMMEDIATE.to_owned()]);
            plain(fill.into_iter().flatten().chain([set]).collect())
        }
        Change::DropColumn {
            table: name,
            column,
        } => one(format!(
            "ALTER TABLE {} DROP COLUMN {}",
            table(name),
            identifier(column)
        )),
        Change::DropNotNull {
            table: name,
            column,
        } => one(format!(
            "ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL",
            table(name),
            identifier(column)
        )),
        Change::SetDefault {
            table: name,
            column,
            default,
            ..
        } => one(format!(
            "ALTER TABLE {} ALTER COLUMN {} {}",
            table(name),
            identifier(column),
            default.as_ref().map_or_else(
                || "DROP DEFAULT".to_owned(),
                |default| format!("SET DEFAULT {}", expression(default).trim_end())
            )
        )),
        Change::DropForeignKey {
            table: name,
            name: constraint,
            ..
        } => one(format!(
            "ALTER TABLE {} DROP CONSTRAINT {}",
            table(name),
            identifier(constraint)
        )),
        Change::ValidateForeignKey {
            table: name,
            name: constraint,
            ..
        } => one(format!(
            "ALTER TABLE {} VALIDATE CONSTRAINT {}",
            table(name),
            identifier(constraint)
        )),
        Change::RestoreForeignKey {
            table: name,
            name: constraint,
            definition,
        } => one(format!(
            "ALTER TABLE {} ADD CONSTRAINT {} {definition}",
            table(name),
            identifier(constraint)
        )),
        Change::AddForeignKey {
            table: name,
            column,
            foreign_key,
        } => {
            let constraint = Identifier::joined(&name.table, &format!("{column}_fkey"));
            one(format!(
                "ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {}",
                table(name),
                identifier(&constraint),
                identifier(column),
                table(&foreign_key.table),
                identifier(&foreign_key.column),
                foreign_key.on_delete.unwrap_or(OnDelete::Cascade).as_sql()
            ))
        }
        Change::CreateIndex {
            table: name,
            columns,
            only,
        } => {
            let filter = only
                .as_ref()
                .map_or_else(String::new, |only| format!(" WHERE {}", identifier(only)));
            let index = index_name(name, columns, only.as_ref());
            let columns: Vec<String> = columns.iter().map(identifier).collect();

            one(format!(
                "CREATE INDEX {} ON {} ({}){filter}",
                identifier(&index),
                table(name),
                columns.join(", ")
            ))
        }
        Change::DropIndex {
            table: name,
            columns,
            only,
        } => {
            let index = TableName {
                table: index_name(name, columns, only.as_ref()),
                ..name.clone()
            };
            one(format!("DROP INDEX {}", table(&index)))
        }
        Change::EnableRowSecurity {
            table: name,
            enable,
        } => {
            let word = if *enable { "ENABLE" } else { "DISABLE" };
            one(format!(
                "ALTER TABLE {} {word} ROW LEVEL SECURITY",
                table(name)
            ))
        }
        Change::ForceRowSecurity { table: name, force } => one(self::force(&table(name), *force)),
        Change::DropPolicy {
            table: name,
            policy,
            ..
        } => one(format!(
            "DROP POLICY {} ON {}",
            identifier(&policy.name),
            table(name)
        )),
        Change::CreatePolicy {
            table: name,
            policy,
        } => {
            let name = table(name);
            let comment = policy
                .comment
                .as_ref()
                .map(|text| comment_on_policy(&name, &policy.name, Some(text)));

            plain(
                std::iter::once(create_policy(&name, policy))
                    .chain(comment)
                    .collect(),
            )
        }
        Change::AlterPolicy {
            table: name,
            policy,
            ..
        } => one(alter_policy(&table(name), policy)),
        Change::RenamePolicy {
            table: name,
            was,
            name: new,
        } => one(format!(
            "ALTER POLICY {} ON {} RENAME TO {}",
            identifier(was),
            table(name),
            identifier(new)
        )),
        Change::CommentPolicy {
            table: name,
            name: policy,
            comment,
            ..
        } => one(comment_on_policy(&table(name), policy, comment.as_deref())),
        Change::Revoke {
            table: name,
            role,
            privileges,
        } => one(format!(
            "REVOKE {} ON {} FROM {}",
            words(privileges),
            table(name),
            identifier(role)
        )),
        Change::GrantSchema { schema, role } => one(format!(
            "GRANT USAGE ON SCHEMA {} TO {}",
            identifier(schema),
            identifier(role)
        )),
        Change::Grant {
            table: name,
            role,
            privileges,
        } => one(format!(
            "GRANT {} ON {} TO {}",
            words(privileges),
            table(name),
            identifier(role)
        )),
        Change::CreateAudit { table: name } => one(create_audit(&table(name))),
        Change::DropAudit { table: name } => one(format!("DROP TABLE {}", table(name))),
        Change::GrantColumns {
            table: name,
            role,
            privilege,
            columns,
        } => one(format!(
            "GRANT {} ({}) ON {} TO {}",
            privilege.as_sql(),
            columns
                .iter()
                .map(identifier)
                .collect::<Vec<_>>()
                .join(", "),
            table(name),
            identifier(role)
        )),
        Change::RevokeColumns {
            table: name,
            role,
            privilege,
            columns,
        } => one(format!(
            "REVOKE {} ({}) ON {} FROM {}",
            privilege.as_sql(),
            columns
                .iter()
                .map(identifier)
                .collect::<Vec<_>>()
                .join(", "),
            table(name),
            identifier(role)
        )),
        Change::RevokeSchema { schema, role } => one(format!(
            "REVOKE USAGE ON SCHEMA {} FROM {}",
            identifier(schema),
            identifier(role)
        )),
        Change::GrantSequence { sequence, role } => one(format!(
            "GRANT USAGE ON SEQUENCE {} TO {}",
            table(sequence),
            identifier(role)
        )),
        Change::RevokeSequence { sequence, role } => one(format!(
            "REVOKE USAGE ON SEQUENCE {} FROM {}",
            table(sequence),
            identifier(role)
        )),
    }
}

/// A change of roles as someone else runs it by hand, with no password in it: `\password` of psql
/// asks for one.
pub(crate) fn by_hand(of: &Change) -> Vec<String> {
    let (plain, password) = match of {
        Change::CreateRole { role, verifier } => (
            Some(Change::CreateRole {
                role: role.clone(),
                verifier: None,
            }),
            verifier.is_some().then_some(role),
        ),
        Change::AlterRole {
            role,
            attributes,
            verifier,
        } => {
            let rest = Change::AlterRole {
                role: role.clone(),
                attributes: attributes.clone(),
                verifier: None,
            };

            (
                (!attributes.is_empty()).then_some(rest),
                verifier.is_some().then_some(role),
            )
        }
        other => (Some(other.clone()), None),
    };

    let statements = plain
        .iter()
        .flat_map(change)
        .map(|statement| format!("{};", statement.text));

    statements
        .chain(password.map(|role| format!("\\password {}", identifier(role))))
        .collect()
}

pub(super) fn index_name(
    table: &TableName,
    columns: &[Identifier],
    only: Option<&Identifier>,
) -> Identifier {
    let words: Vec<&str> = columns.iter().map(Identifier::as_str).collect();
    let suffix = if only.is_some() { "only_idx" } else { "idx" };
    Identifier::joined(&table.table, &format!("{}_{suffix}", words.join("_")))
}

/// Gives the rows without a value theirs.
pub(super) fn update(table: &str, column: &str, expression: &str) -> String {
    // The line break keeps a comment at the end of the expression from swallowing what follows.
    format!("UPDATE {table} SET {column} = ({expression}\n) WHERE {column} IS NULL")
}

fn force(table: &str, force: bool) -> String {
    format!(
        "ALTER TABLE {table} {} ROW LEVEL SECURITY",
        if force { "FORCE" } else { "NO FORCE" }
    )
}

fn words(privileges: &BTreeSet<Privilege>) -> String {
    privileges
        .iter()
        .map(|privilege| privilege.as_sql())
        .collect::<Vec<_>>()
        .join(", ")
}

fn with_password(sql: String, verifier: Option<&Verifier>) -> Statement {
    let Some(verifier) = verifier else {
        return Statement {
            shown: sql.clone(),
            text: sql,
            secret: None,
        };
    };

    let shown = format!("{sql} PASSWORD '***'");
    let quoted =
        |text: &str| literal(text).unwrap_or_else(|| unreachable!("made of texts without NUL"));
    let template = quoted(&format!("{} PASSWORD %L", sql.replace('%', "%%")));
    let block = quoted(&format!(
        "BEGIN EXECUTE format({template}, current_setting('rls.secret')); END"
    ));

    Statement {
        shown,
        text: format!("DO {block}; SET LOCAL rls.secret = ''"),
        secret: Some(verifier.0.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_in_the_text_of_a_statement() {
        let role = Identifier::new("a'b\"c %s").unwrap();
        let verifier = Some(Verifier("SCRAM-SHA-256$4096:salt$key:key".to_owned()));
        let [statement] = change(&Change::CreateRole { role, verifier })
            .try_into()
            .unwrap();

        assert!(!statement.text.contains("SCRAM") && !statement.shown.contains("SCRAM"));
        assert!(
            statement
                .secret
                .is_some_and(|secret| secret.contains("SCRAM"))
        );
        assert!(
            statement
                .shown
                .starts_with("CREATE ROLE \"a'b\"\"c %s\" LOGIN"),
            "{}",
            statement.shown
        );

        assert!(
            statement.text.contains("a''''b\"\"c %%s"),
            "{}",
            statement.text
        );
    }
}
