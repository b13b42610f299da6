//! The entries of the list as a graph of sources: circles, and an order with parents before children. Never looks at
//! anything but who stands on whom.

/// The circles among `parents` (each entry's parent by index), each once, beginning with its first entry in the order of
/// the file. An entry that is its own parent is no circle here: it is complained about by itself.
pub(super) fn circles(parents: &[Option<usize>]) -> Vec<Vec<usize>> {
    let mut circles = Vec::new();
    // 0: not seen; otherwise the number of the walk that saw it.
    let mut seen = vec![0; parents.len()];
    for start in 0..parents.len() {
        let mut path = Vec::new();
        let mut at = Some(start);
        while let Some(index) = at.filter(|&index| seen[index] == 0) {
            seen[index] = start + 1;
            path.push(index);
            at = parents[index];
        }
        let Some(again) = at.filter(|&index| seen[index] == start + 1) else { continue };
        let mut circle: Vec<usize> = path.into_iter().skip_while(|&index| index != again).collect();
        if circle.len() > 1 {
            let first = circle.iter().enumerate().min_by_key(|(_, index)| **index).map_or(0, |(place, _)| place);
            circle.rotate_left(first);
            circles.push(circle);
        }
    }
    circles
}

/// Parents before children, otherwise the order of the file. Entries of a circle come in some order.
pub(super) fn order(parents: &[Option<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(parents.len());
    let mut placed = vec![false; parents.len()];
    for start in 0..parents.len() {
        let mut line = Vec::new();
        let mut at = Some(start);
        while let Some(index) = at.filter(|&index| !placed[index]) {
            placed[index] = true;
            line.push(index);
            at = parents[index];
        }
        order.extend(line.into_iter().rev());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::{circles, order};
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

    #[test]
    fn parents_come_first_and_else_the_file_decides() {
        assert_eq!(order(&[Some(2), None, None]), [2, 0, 1]);
        assert_eq!(order(&[None, Some(3), Some(0), Some(0)]), [0, 3, 1, 2]);
        assert_eq!(order(&[]), [0_usize; 0]);
    }

    #[test]
    fn every_circle_is_found_once() {
        assert_eq!(circles(&[Some(1), Some(2), Some(0)]), [vec![0, 1, 2]]);
        // A tail that leads into a circle is not part of it, and a circle begins with its first entry.
        assert_eq!(circles(&[Some(2), Some(2), Some(3), Some(1)]), [vec![1, 2, 3]]);
        assert_eq!(circles(&[Some(1), Some(0), Some(3), Some(2)]), [vec![0, 1], vec![2, 3]]);
        assert!(circles(&[Some(0), Some(0), None]).is_empty());
    }

    proptest! {
        #[test]
        fn any_graph_gets_an_order_or_a_circle(
            parents in proptest::collection::vec(proptest::option::of(any::<usize>()), 0..12)
                .prop_map(|raw| { let n = raw.len(); raw.into_iter().map(|p| p.map(|p| p % n)).collect::<Vec<_>>() })
        ) {
            let order = order(&parents);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..parents.len()).collect::<Vec<_>>());
            let own = parents.iter().enumerate().any(|(index, parent)| *parent == Some(index));
            if circles(&parents).is_empty() && !own {
                let place = |index: usize| order.iter().position(|&other| other == index);
                for (index, parent) in parents.iter().enumerate() {
                    if let Some(parent) = parent {
                        prop_assert!(place(*parent) < place(index));
                    }
                }
            }
        }
    }
}
