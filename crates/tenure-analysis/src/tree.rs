//! Sums over cells of the hash space, along a fixed binary tree: two neighbours become their parent as soon as both are there. In
//! whatever order cells come and however they were shared out, the same two sums are added, and few are held at a time.

use std::collections::BTreeMap;

use crate::gathered::CELLS;

/// A sum that another one, of cells further on, can be added to.
pub(crate) trait Merge {
    fn merge(&mut self, further: &Self);
}

/// The sums of the cells so far.
#[derive(Debug, Clone)]
pub(crate) struct Tree<T> {
    /// By height, cells being 0, and place at that height.
    nodes: BTreeMap<(u8, u16), T>,
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self { nodes: BTreeMap::new() }
    }
}

impl<T: Merge> Tree<T> {
    const HEIGHT: u8 = CELLS.trailing_zeros() as u8;

    /// Adds a cell, which comes once.
    pub fn add(&mut self, cell: u16, sum: T) {
        self.insert(0, cell, sum);
    }

    /// Adds the cells of another tree.
    pub fn join(&mut self, other: Self) {
        for ((height, place), sum) in other.nodes {
            self.insert(height, place, sum);
        }
    }

    /// The sum of all cells. One without a neighbour is its parent's sum as it is.
    pub fn total(mut self) -> Option<T> {
        for height in 0..Self::HEIGHT {
            while let Some(entry) = self.nodes.first_entry()
                && entry.key().0 == height
            {
                let ((_, place), sum) = entry.remove_entry();
                self.insert(height + 1, place / 2, sum);
            }
        }
        self.nodes.into_values().next()
    }

    fn insert(&mut self, mut height: u8, mut place: u16, mut sum: T) {
        while let Some(neighbour) = self.nodes.remove(&(height, place ^ 1)) {
            let (mut before, further) =
                if place.is_multiple_of(2) { (sum, neighbour) } else { (neighbour, sum) };
            before.merge(&further);
            (height, place, sum) = (height + 1, place / 2, before);
        }
        self.nodes.insert((height, place), sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells how it was added up.
    #[derive(Debug, Clone, PartialEq)]
    struct Told(String);

    impl Merge for Told {
        fn merge(&mut self, further: &Self) {
            self.0 = format!("({} {})", self.0, further.0);
        }
    }

    /// The total of these cells, given in this order and shared out among so many trees.
    fn told(cells: &[u16], trees: usize) -> Option<String> {
        let mut shares = vec![Tree::default(); trees];
        for (place, cell) in cells.iter().enumerate() {
            shares[place % trees].add(*cell, Told(cell.to_string()));
        }
        let mut whole = Tree::default();
        shares.into_iter().for_each(|share| whole.join(share));
        whole.total().map(|sum| sum.0)
    }

    #[test]
    fn a_sum_is_the_same_in_whatever_order_its_cells_come() {
        let check = |cells: &[u16], expected: Option<&str>| {
            let reversed: Vec<u16> = cells.iter().rev().copied().collect();
            for trees in [1, 2, 3, 7] {
                assert_eq!(told(cells, trees).as_deref(), expected, "{cells:?} in {trees}");
                assert_eq!(told(&reversed, trees).as_deref(), expected, "{reversed:?} in {trees}");
            }
        };
        check(&[], None);
        check(&[7], Some("7"));
        check(&[0, 255], Some("(0 255)"));
        check(&[0, 1, 2, 3], Some("((0 1) (2 3))"));
        check(&[0, 2, 3, 1], Some("((0 1) (2 3))"));
        check(&[0, 2, 3], Some("(0 (2 3))"));
        check(&[1, 2, 130, 131, 200], Some("((1 2) ((130 131) 200))"));
        let all: Vec<u16> = (0..CELLS).collect();
        let mixed: Vec<u16> = (0..CELLS).map(|cell| cell * 77 % CELLS).collect();
        assert_eq!(told(&mixed, 5), told(&all, 1));
    }

    #[test]
    fn neighbours_are_not_held() {
        let mut tree = Tree::default();
        for cell in 0..CELLS {
            tree.add(cell, Told(String::new()));
            assert!(tree.nodes.len() <= usize::from(Tree::<Told>::HEIGHT), "{cell}: {}", tree.nodes.len());
        }
        assert_eq!(tree.nodes.len(), 1);
    }
}
