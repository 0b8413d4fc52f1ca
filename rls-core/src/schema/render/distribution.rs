use crate::model::scope::Distribution;
use crate::name::TableName;
use crate::schema::plan::DistributionChange;
use crate::sql::{known_literal, table};

/// Renders a change of a table. Citus takes names as texts that it reads as identifiers.
pub(super) fn statement(name: &TableName, change: &DistributionChange) -> String {
    let name = known_literal(&table(name));
    match change {
        DistributionChange::Distribute {
            distribution: Distribution::By(column),
        } => {
            let column = known_literal(column.as_str());
            format!("SELECT pg_catalog.create_distributed_table({name}, {column})")
        }
        DistributionChange::Distribute {
            distribution: Distribution::Everywhere,
        } => format!("SELECT pg_catalog.create_reference_table({name})"),
        DistributionChange::Undistribute => {
            format!("SELECT pg_catalog.undistribute_table({name})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Identifier;

    #[test]
    fn names_are_quoted_as_identifiers_and_then_as_texts() {
        let name = |name: &str| Identifier::new(name).unwrap();
        let table = TableName {
            schema: Some(name("it's")),
            table: name("a\"b"),
        };
        let rendered =
            |distribution| statement(&table, &DistributionChange::Distribute { distribution });

        assert_eq!(
            rendered(Distribution::By(name("Owner'"))),
            r#"SELECT pg_catalog.create_distributed_table('"it''s"."a""b"', 'Owner''')"#
                .replace("\\'\\'", "''")
        );
        assert_eq!(
            rendered(Distribution::Everywhere),
            r#"SELECT pg_catalog.create_reference_table('"it''s"."a""b"')"#
        );
        assert_eq!(
            statement(&table, &DistributionChange::Undistribute),
            r#"SELECT pg_catalog.undistribute_table('"it''s"."a""b"')"#
        );
    }
}
