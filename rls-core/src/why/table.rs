//! A table as a question about one of its rows sees it.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::ConnectionTrait;
use serde_json::{Map, Value as Json};

use super::answer::Security;
use super::error::WhyError;
use super::value::Value;
use crate::config::RlsConfig;
use crate::entity::Place;
use crate::entity::registry::Registry;
use crate::error::RlsError;
use crate::model::expression::Expression;
use crate::model::policy::{Canonical, Policy};
use crate::model::privilege::Privilege;
use crate::name::{Identifier, Schemas, TableName};
use crate::schema::catalog;
use crate::schema::catalog::query::{get, name, rows, table, text};
use crate::schema::read::Origin;
use crate::schema::snapshot::Relation;
use crate::schema::table::{ActualPolicy, ActualTable, DesiredTable};

/// A row, as the server prints it.
#[derive(Clone)]
pub(super) struct Row {
    /// As JSON text, for the server.
    pub(super) json: String,
    columns: Map<String, Json>,
}

impl Row {
    /// `None` if the text is no JSON object.
    pub(super) fn parse(json: String) -> Option<Self> {
        let columns = serde_json::from_str(&json).ok()?;
        Some(Self { json, columns })
    }

    pub(super) fn value(&self, column: &Identifier) -> Value {
        Value::of_json(self.columns.get(column.as_str()).unwrap_or(&Json::Null))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.columns.keys()
    }
}

/// A column, and what the login may do with it.
pub(super) struct Column {
    pub(super) name: Identifier,
    pub(super) sql_type: String,
    /// Its default, unless the server counts it.
    pub(super) default: Option<String>,
    /// What generates it from other columns.
    pub(super) generated: Option<String>,
    privileges: BTreeSet<Privilege>,
}

/// How far a privilege reaches.
pub(super) enum Granted {
    Whole,
    /// But for these columns.
    But(Vec<Identifier>),
    Nothing,
}

/// A policy that is for the login.
pub(super) struct Applied {
    /// As the server prints it.
    pub(super) policy: Policy<Canonical>,
    /// As the entity declares it, if it was made for that and is unaltered.
    pub(super) desired: Option<Policy>,
    pub(super) origin: Origin,
}

/// A table.
pub(super) struct Table {
    pub(super) name: TableName,
    /// The partitioned table that it is a partition of; otherwise itself.
    pub(super) root: TableName,
    pub(super) security: Security,
    pub(super) usage: bool,
    pub(super) columns: Vec<Column>,
    pub(super) key: Vec<Identifier>,
    may_delete: bool,
    pub(super) policies: Vec<Applied>,
    /// Whether the administrator sees all rows.
    pub(super) administered: bool,
    pub(super) declared: Vec<Place>,
}

impl Table {
    /// Reads a table. The `search_path` is that for printing.
    pub(super) async fn read(
        db: &impl ConnectionTrait,
        named: &TableName,
        registry: &Registry,
        config: &RlsConfig,
        schemas: &Schemas,
    ) -> Result<Self, WhyError> {
        let no_table = || WhyError::NoTable {
            table: named.to_string(),
        };
        let mut relations = catalog::read(db, &[named], config).await?;
        let Some(Relation::Table(actual)) = relations.remove(named) else {
            return Err(no_table());
        };

        let of_table = rows(db, of_table(named, config)).await?;
        let row = of_table.first().ok_or_else(no_table)?;
        let bypasses: bool = get(row, "bypasses")?;
        let owns: bool = get(row, "owns")?;
        let security = match () {
            () if bypasses => Security::Bypassed,
            () if !actual.enabled => Security::Disabled,
            () if owns && !actual.forced => Security::OwnerUnforced,
            () => Security::Holds,
        };

        let app = roles(db, config.app_role()).await?;
        let admin = roles(db, config.admin_role()).await?;
        let scope = registry
            .scopes()
            .iter()
            .find(|scope| scope.table.found_in(schemas) == *named);
        let desired = scope.map(|scope| {
            let mut desired = DesiredTable::new(scope, config, schemas);
            desired.fit_types(&|column| Some(actual.columns.get(column)?.sql_type.clone()));
            desired
        });
        let declared = scope.map(|scope| registry.declared_at(&scope.table).collect());

        let (columns, key) = columns(db, named, config).await?;
        Ok(Self {
            name: named.clone(),
            root: table(row, "root_schema", "root")?,
            security,
            usage: get(row, "usage")?,
            may_delete: get(row, "may_delete")?,
            columns,
            key,
            administered: !actual.enabled || sees_all(&actual, &admin),
            policies: actual
                .policies
                .values()
                .filter(|policy| is_for(policy, &app))
                .map(|policy| applied(policy, desired.as_ref()))
                .collect(),
            declared: declared.unwrap_or_default(),
        })
    }

    /// How far the login has a privilege.
    pub(super) fn granted(&self, privilege: Privilege) -> Granted {
        if privilege == Privilege::Delete {
            return if self.may_delete {
                Granted::Whole
            } else {
                Granted::Nothing
            };
        }

        let (with, without): (Vec<&Column>, Vec<&Column>) = self
            .columns
            .iter()
            .partition(|column| column.privileges.contains(&privilege));
        match (with.is_empty(), without.is_empty()) {
            (false, true) => Granted::Whole,
            (true, _) => Granted::Nothing,
            (false, false) => {
                Granted::But(without.iter().map(|column| column.name.clone()).collect())
            }
        }
    }

    pub(super) fn column(&self, name: &Identifier) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == *name)
    }
}

/// The roles that a role has the privileges of.
async fn roles(
    db: &impl ConnectionTrait,
    role: &Identifier,
) -> Result<BTreeSet<Identifier>, RlsError> {
    let query = format!(
        "SELECT g.rolname::text AS role FROM pg_roles r JOIN pg_roles g
           ON pg_has_role(r.oid, g.oid, 'USAGE') WHERE r.rolname = {}",
        text(role)
    );
    let rows = rows(db, query).await?;
    rows.iter().map(|row| name(row, "role")).collect()
}

fn is_for(policy: &ActualPolicy, roles: &BTreeSet<Identifier>) -> bool {
    let named = &policy.policy.roles;
    named.is_empty() || !named.is_disjoint(roles)
}

/// Whether a policy shows a role every row, and none hides one.
fn sees_all(actual: &ActualTable, roles: &BTreeSet<Identifier>) -> bool {
    use crate::model::policy::PolicyKind::{Permissive, Restrictive};
    use crate::model::privilege::Command::Select;

    let mut for_role = actual
        .policies
        .values()
        .filter(|policy| is_for(policy, roles) && policy.policy.covers(Select));
    let whole = |policy: &ActualPolicy| {
        let using = policy.policy.using().map(Canonical::as_str);
        policy.policy.kind == Permissive && using == Some("true")
    };
    let restricted = for_role
        .clone()
        .any(|policy| policy.policy.kind == Restrictive);

    !restricted && for_role.any(whole)
}

fn applied(actual: &ActualPolicy, desired: Option<&DesiredTable>) -> Applied {
    let desired = desired
        .and_then(|table| table.policy(&actual.policy.name))
        .filter(|desired| actual.is_applied(desired))
        .map(|desired| desired.policy.clone());
    let origin = match &actual.fingerprint {
        None => Origin::ByHand,
        Some(_) if actual.is_unaltered() => Origin::Applied,
        Some(_) => Origin::Altered,
    };

    Applied {
        policy: actual.policy.clone(),
        desired,
        origin,
    }
}

impl Applied {
    /// A condition: in its parts if this library made it, and as the server prints it.
    pub(super) fn condition(
        &self,
        side: impl for<'a> Fn(&'a dyn Sides) -> Option<Expression>,
    ) -> Option<(Expression, Expression)> {
        let printed = side(&self.policy)?;
        let parts = self.desired.as_ref().and_then(|desired| side(desired));
        Some((parts.unwrap_or_else(|| printed.clone()), printed))
    }
}

/// The conditions of a policy, desired or printed.
pub(super) trait Sides {
    fn using(&self) -> Option<Expression>;
    /// On written rows the server takes `USING` if there is no `WITH CHECK`.
    fn check(&self) -> Option<Expression>;
}

impl Sides for Policy {
    fn using(&self) -> Option<Expression> {
        Policy::using(self).cloned()
    }

    fn check(&self) -> Option<Expression> {
        self.with_check().or(Policy::using(self)).cloned()
    }
}

impl Sides for Policy<Canonical> {
    fn using(&self) -> Option<Expression> {
        Policy::using(self).map(Canonical::to_expression)
    }

    fn check(&self) -> Option<Expression> {
        let side = self.with_check().or(Policy::using(self));
        side.map(Canonical::to_expression)
    }
}

fn of_table(named: &TableName, config: &RlsConfig) -> String {
    format!(
        "SELECT r.rolsuper OR r.rolbypassrls AS bypasses,
                pg_has_role(r.oid, c.relowner, 'USAGE') AS owns,
                has_schema_privilege(r.oid, n.oid, 'USAGE') AS usage,
                has_table_privilege(r.oid, c.oid, 'DELETE') AS may_delete,
                m.nspname::text AS root_schema, p.relname::text AS root
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_class p ON p.oid = coalesce(pg_partition_root(c.oid), c.oid)
         JOIN pg_namespace m ON m.oid = p.relnamespace
         JOIN pg_roles r ON r.rolname = {}
         WHERE {}",
        text(config.app_role()),
        is(named)
    )
}

/// The condition that `pg_class c` in `pg_namespace n` is the table.
pub(super) fn is(named: &TableName) -> String {
    let schema = named
        .schema
        .as_ref()
        .map_or_else(|| "NULL".to_owned(), text);
    format!(
        "n.nspname = {schema} AND c.relname = {}",
        text(&named.table)
    )
}

async fn columns(
    db: &impl ConnectionTrait,
    named: &TableName,
    config: &RlsConfig,
) -> Result<(Vec<Column>, Vec<Identifier>), RlsError> {
    const EACH: [Privilege; 3] = [Privilege::Select, Privilege::Insert, Privilege::Update];

    let privileges = EACH.map(|privilege| {
        let word = privilege.as_sql();
        format!(", has_column_privilege(r.oid, c.oid, a.attnum, '{word}') AS \"{word}\"")
    });
    let query = format!(
        "SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
                pg_get_expr(d.adbin, d.adrelid) AS expression, a.attgenerated <> '' AS generated,
                (SELECT k.at::int FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (n, at)
                 WHERE i.indrelid = c.oid AND i.indisprimary AND k.n = a.attnum
                   AND k.at <= i.indnkeyatts) AS key{}
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         JOIN pg_roles r ON r.rolname = {}
         LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE {} ORDER BY a.attnum",
        privileges.concat(),
        text(config.app_role()),
        is(named)
    );

    let (mut columns, mut key) = (Vec::new(), BTreeMap::new());
    for row in rows(db, query).await? {
        let mut privileges = BTreeSet::new();
        for privilege in EACH {
            if get(&row, privilege.as_sql())? {
                privileges.insert(privilege);
            }
        }

        if let Some(at) = get::<Option<i32>>(&row, "key")? {
            key.insert(at, name(&row, "name")?);
        }

        // To count is to change the sequence, which no rollback undoes.
        let expression: Option<String> = get(&row, "expression")?;
        let is_generated: bool = get(&row, "generated")?;
        let (generated, default) = match expression {
            sql if is_generated => (sql, None),
            sql => (None, sql.filter(|sql| !sql.contains("nextval("))),
        };
        columns.push(Column {
            name: name(&row, "name")?,
            sql_type: get(&row, "type")?,
            default,
            generated,
            privileges,
        });
    }

    Ok((columns, key.into_values().collect()))
}
