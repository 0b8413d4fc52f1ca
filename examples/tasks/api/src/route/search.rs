//! A text to look for, taken as it stands.

use sea_orm::sea_query::extension::postgres::PgExpr;
use sea_orm::sea_query::{Expr, IntoColumnRef, SimpleExpr};

/// Whether the column holds the text, in capitals or not; `%` and `_` are characters like any
/// other.
pub fn contains(column: impl IntoColumnRef, text: &str) -> SimpleExpr {
    // `\` is what escapes if no `ESCAPE` says otherwise.
    let escaped = text
        .replace('\\', r"\\")
        .replace('%', r"\%")
        .replace('_', r"\_");
    Expr::col(column).ilike(format!("%{escaped}%"))
}
