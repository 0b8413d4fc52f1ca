//! Migrations: hand-written verbs, generated files, imported policies, the command line.

mod cli;
mod clouds;
mod doctor;
mod generate;
mod import;
#[rustfmt::skip]
mod imported;
mod plain;
pub mod process;
mod report;
mod script;
mod signed;
mod standing;
mod subject;
mod verbs;

use sea_orm::ConnectionTrait;

use crate::schema::texts;

/// Row security in the catalog, and the columns, keys and grants of the tables. The versions in
/// fingerprints are left out: a policy that is created again is another row of the catalog.
pub async fn catalog(db: &impl ConnectionTrait) -> Vec<String> {
    texts(
        db,
        "SELECT concat_ws('|', 'flags', relname, relrowsecurity, relforcerowsecurity)
         FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
         UNION ALL
         SELECT concat_ws('|', 'grant', relname, a.grantee::regrole, a.privilege_type)
         FROM pg_class, aclexplode(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE \
         'r' END::\"char\", relowner))) a
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
         UNION ALL
         SELECT concat_ws('|', 'policy', p.tablename, p.policyname, p.permissive, p.cmd, \
         p.roles::text, p.qual, p.with_check,
                          regexp_replace(obj_description(o.oid, 'pg_policy'), '(sea-orm-rls: \\S+ \
                          \\S+) \\S+$', '\\1'))
         FROM pg_policies p JOIN pg_policy o ON o.polname = p.policyname AND o.polrelid = \
         p.tablename::regclass
         UNION ALL
         SELECT concat_ws('|', 'column', table_name, column_name, data_type, is_nullable, \
         column_default)
         FROM information_schema.columns WHERE table_schema = 'public'
         UNION ALL
         SELECT concat_ws('|', 'key', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM \
         pg_constraint
         WHERE connamespace = 'public'::regnamespace
         UNION ALL
         SELECT concat_ws('|', 'index', indexdef) FROM pg_indexes WHERE schemaname = 'public'
         UNION ALL
         SELECT concat_ws('|', 'schema', a.grantee::regrole, a.privilege_type)
         FROM pg_namespace, aclexplode(nspacl) a WHERE nspname = 'public'
         ORDER BY 1",
    )
    .await
}
