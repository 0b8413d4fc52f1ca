//! The version of a policy's row in the catalog. If it is still the one of the last sync, the
//! policy's expressions need not be printed, and printing is most of the cost of reading a policy.

/// The `WITH` query `refers (table, names)`, one row for each table with policies that refer to
/// anything by OID: to what, and under which name, since a rename changes what an expression says
/// and not its row. It reads the catalog once for all tables.
///
/// `names` is NULL if a policy refers to a user-defined type: the labels of an `ENUM` are in a row
/// by OID, and have no dependencies of their own. Every other OID in an expression that can be
/// renamed is in `pg_depend` (`find_expr_references_walker` in `src/backend/catalog/dependency.c`).
pub(crate) const REFERS: &str = "
refers AS MATERIALIZED (
  SELECT d.polrelid AS \"table\",
         CASE WHEN NOT bool_or(d.refclassid = 'pg_type'::regclass) THEN
           string_agg(concat_ws(' ', d.refclassid, d.refobjid, d.refobjsubid,
                                coalesce(a.attname::text,
                                         (pg_identify_object(d.refclassid, d.refobjid, \
                                         d.refobjsubid)).identity)),
                      E'\\n' ORDER BY d.refclassid, d.refobjid, d.refobjsubid)
         END AS names
  FROM (SELECT DISTINCT p.polrelid, d.refclassid, d.refobjid, d.refobjsubid
        FROM pg_depend d JOIN pg_policy p ON p.oid = d.objid
        WHERE d.classid = 'pg_policy'::regclass AND d.deptype = 'n') d
  LEFT JOIN pg_attribute a ON d.refclassid = 'pg_class'::regclass AND d.refobjid = d.polrelid
                              AND a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  GROUP BY d.polrelid)";

/// The version of the row of `pg_policy p`, beside [`REFERS`] `r`; `can_identify` is the answer to
/// [`CAN_IDENTIFY`]. NULL if it would not tell every change.
///
/// Cluster, database, OID, writing transaction and place tell a row: a restored dump has none of
/// its old versions, and whatever alters a policy writes another.
pub(crate) fn version(can_identify: bool) -> String {
    let cluster = if can_identify {
        "(SELECT system_identifier::text FROM pg_control_system())"
    } else {
        "NULL"
    };

    format!(
        "CASE WHEN r.\"table\" IS NULL OR r.names IS NOT NULL THEN
           {cluster} || concat_ws(' ', '', (SELECT oid FROM pg_database WHERE datname = \
           current_database()),
                                  p.oid, p.xmin, p.ctid, r.names)
         END"
    )
}
