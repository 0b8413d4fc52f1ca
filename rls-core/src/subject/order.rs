//! The order in which tables are erased: those that refer before those that are referred to.

use std::collections::BTreeSet;

/// Sorts `tables` so that for each pair the first comes before the second; or gives those that are in
/// a circle.
pub(super) fn sorted(
    tables: &[usize],
    before: &BTreeSet<(usize, usize)>,
) -> Result<Vec<usize>, Vec<usize>> {
    let mut left: Vec<usize> = tables.to_vec();
    let mut sorted = Vec::new();

    while !left.is_empty() {
        let is_free = |table: &usize| {
            let waits = |first: &usize| first != table && before.contains(&(*first, *table));
            !left.iter().any(waits)
        };
        let Some(at) = left.iter().position(is_free) else {
            return Err(left);
        };
        sorted.push(left.remove(at));
    }

    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_refers_comes_first() {
        let before = BTreeSet::from([(2, 1), (1, 0), (2, 2)]);
        assert_eq!(sorted(&[0, 1, 2], &before), Ok(vec![2, 1, 0]));
        assert_eq!(sorted(&[0, 1], &BTreeSet::new()), Ok(vec![0, 1]));

        let circle = BTreeSet::from([(0, 1), (1, 0)]);
        assert_eq!(sorted(&[0, 1, 2], &circle), Err(vec![0, 1]));
    }
}
