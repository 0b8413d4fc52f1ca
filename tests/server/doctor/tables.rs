//! Row security that is off, and policies that differ from what the entities declare.

use super::fault::{End::*, Fault, Gate::*, each_is_caught};

pub const FAULTS: &[Fault] = &[
    Fault(
        "RLS101",
        "a table is gone",
        "ALTER TABLE note RENAME TO gone",
        Shuts,
        Undo("ALTER TABLE gone RENAME TO note"),
    ),
    Fault(
        "RLS102",
        "a view stands in a table's place",
        "ALTER TABLE note RENAME TO gone; CREATE VIEW note AS SELECT * FROM gone",
        Shuts,
        Undo("DROP VIEW note; ALTER TABLE gone RENAME TO note"),
    ),
    Fault(
        "RLS103",
        "row security is disabled",
        "ALTER TABLE task DISABLE ROW LEVEL SECURITY",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS104",
        "row security is not forced",
        "ALTER TABLE task NO FORCE ROW LEVEL SECURITY",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS105",
        "the guard is dropped",
        "DROP POLICY task_guard ON task",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS105",
        "the policy for reading is dropped",
        "DROP POLICY task_owner_select ON task",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS105",
        "a policy is renamed",
        "ALTER POLICY task_guard ON task RENAME TO other",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS106",
        "a condition is widened",
        "ALTER POLICY task_owner_select ON task USING (true)",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS106",
        "a check is widened",
        "ALTER POLICY task_owner_insert ON task WITH CHECK (owner_id IS NOT NULL)",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS106",
        "another setting is read",
        "ALTER POLICY task_guard ON task USING (owner_id = (SELECT \
         NULLIF(current_setting('app.other', true), '')::uuid))",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS106",
        "the guard is made permissive",
        "DROP POLICY task_guard ON task; CREATE POLICY task_guard ON task USING (true)",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS106",
        "the guard is for another command",
        "DROP POLICY task_guard ON task; CREATE POLICY task_guard ON task AS RESTRICTIVE FOR \
         DELETE TO APP USING (true)",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS106",
        "a policy is for everyone",
        "ALTER POLICY task_admin ON task TO PUBLIC",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS106",
        "the guard is for another role",
        "ALTER POLICY task_guard ON task TO ADMIN",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS106",
        "a policy is made again without a fingerprint",
        "COMMENT ON POLICY task_guard ON task IS NULL",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS106",
        "the identity's own condition is widened",
        "ALTER POLICY user_owner_update ON \"user\" USING (true)",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS107",
        "a grant is taken away",
        "REVOKE SELECT ON task FROM APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS107",
        "the schema is closed",
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
        Shuts,
        RemedyThen("GRANT USAGE ON SCHEMA public TO PUBLIC"),
    ),
    Fault(
        "RLS107",
        "the administrator can become the login",
        "GRANT APP TO ADMIN",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS107",
        "a domain carries a context for the whole session",
        "ALTER DOMAIN rls_context_any DROP CONSTRAINT sets_context; ALTER DOMAIN rls_context_any \
         ADD CHECK (set_config(VALUE[1], VALUE[2], false) IS NOT NULL)",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS107",
        "a domain is gone",
        "DROP DOMAIN \"rls_context_app.user_id\"",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS107",
        "a domain's name is another type's",
        "DROP DOMAIN rls_context_any; CREATE TYPE rls_context_any AS ENUM ()",
        Shuts,
        Undo(
            "DROP TYPE rls_context_any; CREATE DOMAIN rls_context_any AS text[] CHECK \
             (set_config(VALUE[1], VALUE[2], true) IS NOT NULL)",
        ),
    ),
    Fault(
        "RLS107",
        "the login may execute the function that records",
        "GRANT EXECUTE ON FUNCTION rls_context_record TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS108",
        "a policy passes for one of an earlier entity",
        "CREATE POLICY open ON task USING (true);
         COMMENT ON POLICY open ON task IS 'sea-orm-rls: 0123456789abcdef01234567 \
         0123456789abcdef01234567'",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS108",
        "everything is let through by hand",
        "CREATE POLICY open ON task USING (true)",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS108",
        "another role is let through by hand",
        "CREATE ROLE HELPER; CREATE POLICY open ON task TO HELPER USING (true)",
        StaysOpen,
        RemedyThen("DROP ROLE HELPER"),
    ),
    Fault(
        "RLS109",
        "a setting is read once per row",
        "CREATE POLICY bare ON task AS RESTRICTIVE USING (owner_id = \
         current_setting('app.user_id', true)::uuid)",
        StaysOpen,
        Undo("DROP POLICY bare ON task"),
    ),
    Fault(
        "RLS110",
        "membership is checked by IN",
        "CREATE POLICY member ON task AS RESTRICTIVE USING (id IN (SELECT task_id FROM note))",
        StaysOpen,
        Undo("DROP POLICY member ON task"),
    ),
    Fault(
        "RLS110",
        "membership is checked by EXISTS",
        "CREATE POLICY member ON task AS RESTRICTIVE USING (EXISTS (SELECT FROM note WHERE task_id \
         = task.id))",
        StaysOpen,
        Undo("DROP POLICY member ON task"),
    ),
    Fault(
        "RLS111",
        "the user is said to be IMMUTABLE",
        "CREATE FUNCTION me() RETURNS uuid LANGUAGE sql IMMUTABLE AS 'SELECT \
         current_setting(''app.user_id'', true)::uuid';
         CREATE POLICY helper ON task AS RESTRICTIVE USING (owner_id = me())",
        StaysOpen,
        RemedyThen("DROP FUNCTION me CASCADE"),
    ),
    Fault(
        "RLS111",
        "an operator of the policy is IMMUTABLE, and reads who the user is",
        "CREATE FUNCTION is_mine(uuid, uuid) RETURNS boolean LANGUAGE sql IMMUTABLE
         AS 'SELECT current_setting(''app.user_id'', true)::uuid = $1';
         CREATE OPERATOR === (FUNCTION = is_mine, LEFTARG = uuid, RIGHTARG = uuid);
         CREATE POLICY helper ON task AS RESTRICTIVE USING (owner_id === owner_id)",
        StaysOpen,
        RemedyThen(
            "DROP POLICY helper ON task; DROP OPERATOR === (uuid, uuid); DROP FUNCTION is_mine",
        ),
    ),
    Fault(
        "RLS112",
        "the user is VOLATILE",
        "CREATE FUNCTION me() RETURNS uuid LANGUAGE sql AS 'SELECT \
         current_setting(''app.user_id'', true)::uuid';
         CREATE POLICY helper ON task AS RESTRICTIVE USING (owner_id = me())",
        StaysOpen,
        RemedyThen("DROP FUNCTION me CASCADE"),
    ),
    Fault(
        "RLS114",
        "a policy asks its own table",
        "CREATE POLICY own ON note AS RESTRICTIVE FOR SELECT USING (body IN (SELECT n.body FROM \
         note n))",
        StaysOpen,
        Undo("DROP POLICY own ON note"),
    ),
    Fault(
        "RLS114",
        "a policy reads what the application may not",
        "CREATE TABLE secret (id uuid); CREATE POLICY asks ON task AS RESTRICTIVE FOR DELETE USING \
         (id IN (SELECT id FROM secret))",
        StaysOpen,
        Undo("DROP TABLE secret CASCADE"),
    ),
];

#[tokio::test]
async fn faults_of_tables_and_policies_are_caught() {
    each_is_caught(FAULTS).await;
}
