use crate::name::Identifier;
use crate::schema::plan::{RoleChange, Verifier};
use crate::sql::{identifier, known_literal};

use super::statement::Statement;

/// The attributes of a role that logs in and never bypasses row security.
const LOGIN: &str = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS";

pub(super) fn statement(role: &Identifier, change: &RoleChange) -> Statement {
    let name = identifier(role);
    match change {
        RoleChange::Create { verifier } => {
            with_password(format!("CREATE ROLE {name} {LOGIN}"), verifier.as_ref())
        }
        RoleChange::Alter {
            attributes,
            verifier,
        } => {
            let mut words = vec![format!("ALTER ROLE {name}")];
            words.extend(attributes.iter().map(|&word| word.to_owned()));
            with_password(words.join(" "), verifier.as_ref())
        }
        RoleChange::RevokeMembership { member, grantor } => {
            // CASCADE revokes what the member passed on, too.
            let by = grantor
                .as_ref()
                .map(|grantor| format!(" GRANTED BY {} CASCADE", identifier(grantor)))
                .unwrap_or_default();
            Statement::plain(format!("REVOKE {name} FROM {}{by}", identifier(member)))
        }
        RoleChange::EndInheritance { member, grantor } => Statement::plain(format!(
            "GRANT {name} TO {} WITH INHERIT FALSE GRANTED BY {}",
            identifier(member),
            identifier(grantor)
        )),
    }
}

/// A change as someone else runs it by hand, with no password in it: `\password` of psql asks for
/// one.
pub(super) fn by_hand(role: &Identifier, change: &RoleChange) -> Vec<String> {
    let (plain, verifier) = match change {
        RoleChange::Create { verifier } => (
            Some(RoleChange::Create { verifier: None }),
            verifier.as_ref(),
        ),
        RoleChange::Alter {
            attributes,
            verifier,
        } => {
            let rest = RoleChange::Alter {
                attributes: attributes.clone(),
                verifier: None,
            };

            ((!attributes.is_empty()).then_some(rest), verifier.as_ref())
        }
        other => (Some(other.clone()), None),
    };

    let statement = plain.map(|change| format!("{};", statement(role, &change).text));
    let password = verifier.map(|_| format!("\\password {}", identifier(role)));

    statement.into_iter().chain(password).collect()
}

fn with_password(sql: String, verifier: Option<&Verifier>) -> Statement {
    let Some(verifier) = verifier else {
        return Statement::plain(sql);
    };

    let shown = format!("{sql} PASSWORD '***'");
    let template = known_literal(&format!("{} PASSWORD %L", sql.replace('%', "%%")));
    let block = known_literal(&format!(
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
        let statement = statement(&role, &RoleChange::Create { verifier });

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
