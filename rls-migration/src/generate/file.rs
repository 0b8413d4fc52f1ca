use std::fmt::Write as _;

use rls_core::MigrationScript;

use super::MigrationName;
use crate::literal::literal;

/// The migration as Rust.
pub(super) fn text(name: &MigrationName, script: &MigrationScript, facade: bool) -> String {
    let verbs = if facade {
        "sea_orm_rls::migration"
    } else {
        "rls_migration"
    };

    let mut text = format!(
        "//! Row security as `rls generate` planned it. It stays as it is, whatever the entities \
         say later.\n\n\
         use {verbs}::RlsSchemaManagerExt;\n\
         use sea_orm_migration::prelude::*;\n\n\
         pub struct Migration;\n\n\
         impl MigrationName for Migration {{\n    \
             fn name(&self) -> &str {{\n        {name:?}\n    }}\n\
         }}\n\n",
        name = name.to_string()
    );

    list(&mut text, "UP", &script.up);
    list(&mut text, "DOWN", &script.down);
    text.push_str(
        "#[async_trait::async_trait]\n\
         impl MigrationTrait for Migration {\n    \
             async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {\n        \
                 // Roles and their passwords come from the configuration: no statement holds \
                 one.\n        \
                 manager.ensure_roles().await?;\n        \
                 manager.apply_rls(UP).await\n    \
             }\n\n    \
             async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {\n        \
                 manager.apply_rls(DOWN).await\n    \
             }\n\
         }\n",
    );

    text
}

fn list(text: &mut String, name: &str, statements: &[String]) {
    let _infallible = writeln!(text, "const {name}: &[&str] = &[");
    for statement in statements {
        let _infallible = writeln!(text, "    {},", literal(statement));
    }

    text.push_str("];\n\n");
}
