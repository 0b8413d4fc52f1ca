use crate::sql;

/// The `search_path` of the login that migrates, which is replaced meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SearchPath(pub(crate) String);

impl SearchPath {
    /// Sets it for printing expressions: every name outside `pg_catalog` is then qualified, and no
    /// other setting of the login changes the text.
    pub(crate) const PRINTING: &str = "SET LOCAL search_path = pg_catalog; SET LOCAL \
                                       quote_all_identifiers = off; \
         SET LOCAL IntervalStyle = postgres; SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL TimeZone \
         = 'UTC'; \
         SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = hex";

    /// Sets it for reading expressions: names are found as the login would find them, but nothing
    /// shadows the server's own functions and operators, and no temporary table shadows a real one.
    pub(crate) fn creating(&self) -> String {
        let path = if self.0.is_empty() {
            "pg_catalog, pg_temp".to_owned()
        } else {
            format!("pg_catalog, {}, pg_temp", self.0)
        };
        Self::set(&path)
    }

    /// Sets it as it was.
    pub(crate) fn restore(&self) -> String {
        Self::set(&self.0)
    }

    fn set(path: &str) -> String {
        let path = sql::known_literal(path);
        format!("SELECT set_config('search_path', {path}, true)")
    }
}
