//! A text to look for, taken as it stands.

use sea_orm::sea_query::extension::postgres::PgExpr;
use sea_orm::sea_query::{Expr, IntoColumnRef, LikeExpr, SimpleExpr};

/// Whether the column holds the text, in capitals or not; `%` and `_` are characters like any other.
pub fn contains(column: impl IntoColumnRef, text: &str) -> SimpleExpr {
    let escaped: String =
        text.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect();
    Expr::col(column).ilike(LikeExpr::new(format!("%{escaped}%")).escape('\\'))
}
