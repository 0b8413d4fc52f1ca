use crate::model::signed_context;
use crate::name::{Identifier, TableName};
use crate::schema::plan::SigningChange;
use crate::sql::{identifier, table, verified_definition};

/// Renders a change; `name` is that of the table or view.
pub(super) fn statements(name: &TableName, change: &SigningChange) -> Vec<String> {
    let quoted = table(name);
    match change {
        SigningChange::CreateKeys => vec![
            create_keys(&quoted),
            format!("REVOKE ALL ON TABLE {quoted} FROM PUBLIC"),
        ],
        SigningChange::DropKeys => vec![format!("DROP TABLE {quoted}")],
        SigningChange::CloseKeys { role } => {
            vec![format!(
                "REVOKE ALL ON TABLE {quoted} FROM {}",
                identifier(role)
            )]
        }
        SigningChange::CreateVerified => {
            vec![format!("CREATE VIEW {quoted} AS {}", definition(name))]
        }
        SigningChange::DropVerified => vec![format!("DROP VIEW {quoted}")],
        SigningChange::ReplaceVerified { .. } => {
            vec![
                format!("ALTER VIEW {quoted} RESET (security_invoker, security_barrier)"),
                format!("CREATE OR REPLACE VIEW {quoted} AS {}", definition(name)),
            ]
        }
        SigningChange::RestoreVerified { definition } => {
            let definition = definition.trim().trim_end_matches(';');
            vec![format!("CREATE OR REPLACE VIEW {quoted} AS {definition}")]
        }
        SigningChange::Own => vec![format!("ALTER TABLE {quoted} OWNER TO CURRENT_USER")],
    }
}

/// The view reads the keys with its owner's rights, which its readers do not have.
fn definition(view: &TableName) -> String {
    verified_definition(&keys_beside(view))
}

/// The table of the keys, beside the view.
pub(crate) fn keys_beside(view: &TableName) -> TableName {
    TableName {
        schema: view.schema.clone(),
        table: Identifier::new(signed_context::KEYS)
            .unwrap_or_else(|_| unreachable!("a constant name")),
    }
}

fn create_keys(quoted: &str) -> String {
    format!(
        "CREATE TABLE {quoted} (\
         id text PRIMARY KEY CHECK (length(id) = {}), \
         inner_pad bytea NOT NULL CHECK (octet_length(inner_pad) = 64), \
         outer_pad bytea NOT NULL CHECK (octet_length(outer_pad) = 64), \
         created_at timestamp with time zone NOT NULL DEFAULT now(), \
         ends_at timestamp with time zone NOT NULL DEFAULT 'infinity')",
        signed_context::ID
    )
}
