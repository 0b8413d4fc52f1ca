//! Versions of the server with known flaws in row security.

struct Flaw {
    name: &'static str,
    what: &'static str,
    /// Of each major version that had the flaw, the first number (`server_version_num`) without it.
    fixed: &'static [i32],
}

/// The day of [`FLAWS`]. Flaws that were published later are not in it.
pub(super) const AS_OF: &str = "2025-08-14";

/// From <https://www.postgresql.org/support/security/>, of the day [`AS_OF`].
const FLAWS: [Flaw; 2] = [
    Flaw {
        name: "CVE-2024-10976",
        what: "a plan made for one role can be used for another",
        fixed: &[120_021, 130_017, 140_014, 150_009, 160_005, 170_001],
    },
    Flaw {
        name: "CVE-2025-8713",
        what: "the planner's statistics reveal hidden rows",
        fixed: &[130_022, 140_019, 150_014, 160_010, 170_006],
    },
];

/// The flaws of a version, each with its effect. Major versions before the first that was repaired
/// keep the flaw.
pub(super) fn of(version: i32) -> Vec<String> {
    let has = |flaw: &&Flaw| match flaw
        .fixed
        .iter()
        .find(|fixed| **fixed / 10_000 == version / 10_000)
    {
        Some(fixed) => version < *fixed,
        None => flaw.fixed.first().is_some_and(|first| version < *first),
    };

    FLAWS
        .iter()
        .filter(has)
        .map(|flaw| format!("{} ({})", flaw.name, flaw.what))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_version_leaks_until_it_is_repaired() {
        for (version, flaws) in [
            (110_022, 2),
            (120_021, 1),
            (120_022, 1),
            (150_008, 2),
            (150_009, 1),
            (150_013, 1),
            (150_014, 0),
            (170_000, 2),
            (170_006, 0),
            (180_000, 0),
        ] {
            assert_eq!(super::of(version).len(), flaws, "{version}");
        }
    }
}
