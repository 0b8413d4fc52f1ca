//! The value of a setting in the condition of a policy.

use sea_orm::sea_query::{Expr, ExprTrait, Func, Query};

use crate::model::setting::{SettingType, SettingValue};

/// The value of a setting, for the condition of a policy; `NULL` if the setting is not set.
///
/// It is a subquery, so that the server reads the setting once a query, not once a row, and can use
/// an index on the column that it is compared with. Use a list with `= ANY (…)`, which is
/// `PgFunc::any` in sea-query.
///
/// ```
/// use rls_core::model::policy::{Command, Policy, setting};
/// use sea_orm::sea_query::{Expr, ExprTrait};
///
/// let own = Policy::permissive("own")
///     .on([Command::Select, Command::Update])
///     .using(Expr::col("owner_id").eq(setting::<i32>("rls.account_id")));
/// let sql = own.build(&rls_core::RlsConfig::new())?[0].to_string();
/// assert!(sql.contains("(SELECT CAST(NULLIF(current_setting('rls.account_id', TRUE), '') AS integer))"), "{sql}");
/// # Ok::<(), rls_core::PolicyError>(())
/// ```
#[must_use]
pub fn setting<T: SettingValue + ?Sized>(name: &str) -> Expr {
    let read = Func::cust("current_setting").arg(name).arg(true);
    let text = Func::cust("NULLIF").arg(Expr::from(read)).arg("");
    let value = Expr::from(text).cast_as(T::SQL_TYPE.as_sql().into_owned());
    let once = Expr::SubQuery(
        None,
        Box::new(Query::select().expr(value).to_owned().into()),
    );

    match T::SQL_TYPE {
        // In ANY, a bare subquery would mean its rows. A cast to the same type costs nothing.
        SettingType::Array(_) => once.cast_as(T::SQL_TYPE.as_sql().into_owned()),
        _ => once,
    }
}
