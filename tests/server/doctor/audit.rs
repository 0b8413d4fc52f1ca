//! The record of what administrators do, weakened by hand.

use super::fault::{End::*, Fault, Gate::*, each_is_caught};

pub const FAULTS: &[Fault] = &[
    Fault(
        "RLS501",
        "the record is gone",
        "DROP TABLE rls_audit",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS501",
        "administrators may not record",
        "REVOKE INSERT (reason) ON rls_audit FROM ADMIN",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS502",
        "the login owns the function that records",
        "ALTER FUNCTION rls_context_record OWNER TO APP",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS502",
        "administrators own the function that records them",
        "ALTER FUNCTION rls_context_record OWNER TO ADMIN",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS502",
        "administrators can unmake their record",
        "GRANT DELETE ON rls_audit TO ADMIN",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS502",
        "administrators can alter their record",
        "GRANT UPDATE ON rls_audit TO ADMIN",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS502",
        "administrators can empty their record",
        "GRANT TRUNCATE ON rls_audit TO ADMIN",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS502",
        "administrators can put a trigger on their record",
        "GRANT TRIGGER ON rls_audit TO ADMIN",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS502",
        "administrators can forge a record",
        "GRANT INSERT ON rls_audit TO ADMIN",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS502",
        "administrators can say who they are",
        "GRANT INSERT (actor) ON rls_audit TO ADMIN",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS502",
        "the login reads the record",
        "GRANT SELECT ON rls_audit TO APP",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS502",
        "the login reads a column of the record",
        "GRANT SELECT (actor) ON rls_audit TO APP",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS502",
        "everyone reads the record",
        "GRANT SELECT ON rls_audit TO PUBLIC",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS502",
        "the login reads the record as someone else",
        "CREATE ROLE HELPER; GRANT SELECT ON rls_audit TO HELPER; GRANT HELPER TO APP",
        StaysOpen,
        RemedyThen("DROP ROLE HELPER"),
    ),
    Fault(
        "RLS502",
        "the login owns the record",
        "ALTER TABLE rls_audit OWNER TO APP",
        Shuts,
        RemedyThen(REGRANT),
    ),
    Fault(
        "RLS502",
        "the administrator owns the record",
        "ALTER TABLE rls_audit OWNER TO ADMIN",
        Shuts,
        RemedyThen(REGRANT),
    ),
    Fault(
        "RLS502",
        "a view shows the record",
        "CREATE VIEW reasons AS SELECT reason FROM rls_audit; GRANT SELECT ON reasons TO APP",
        StaysOpen,
        RemedyThen("DROP VIEW reasons"),
    ),
    Fault(
        "RLS503",
        "a trigger on the record",
        "CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER quiet BEFORE INSERT ON rls_audit FOR EACH ROW EXECUTE FUNCTION quiet()",
        StaysOpen,
        RemedyThen("DROP FUNCTION quiet"),
    ),
    Fault(
        "RLS503",
        "a rule on the record",
        "CREATE RULE quiet AS ON INSERT TO rls_audit DO INSTEAD NOTHING",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS503",
        "row security hides the record",
        "ALTER TABLE rls_audit ENABLE ROW LEVEL SECURITY",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS503",
        "a crash empties the record",
        "ALTER TABLE rls_audit SET UNLOGGED",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS503",
        "rows of another table are read as records",
        "CREATE TABLE forged () INHERITS (rls_audit)",
        StaysOpen,
        RemedyThen("DROP TABLE forged"),
    ),
    Fault(
        "RLS503",
        "the record says another actor",
        "ALTER TABLE rls_audit ALTER actor SET DEFAULT 'nobody'",
        StaysOpen,
        Remedy,
    ),
];

/// An owner keeps its privileges when the table gets another owner.
const REGRANT: &str = "REVOKE ALL ON rls_audit FROM APP, ADMIN";

#[tokio::test]
async fn faults_of_the_record_are_caught() {
    each_is_caught(FAULTS).await;
}
