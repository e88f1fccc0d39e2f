//! The topology as a drawing from left to right: callers left of their callees, every edge with a row of its own at its
//! callee. Pure: edges and a size go in, positions come out; what does not fit gives no drawing.

mod layers;
mod near;
mod place;

pub use near::{Edge, near};

use layers::Layered;

/// Columns around the name of a card: its bar, and a blank.
pub const CARD_EXTRA: usize = 2;
/// What is tried, the best first: names of at most so many columns, and the how manieth form of the texts.
const TRIES: [(usize, usize); 11] = [
    (26, 0),
    (26, 1),
    (20, 1),
    (26, 2),
    (20, 2),
    (16, 2),
    (13, 2),
    (20, 3),
    (16, 3),
    (13, 3),
    (10, 3),
];

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its place among the names that were given.
    pub node: usize,
    /// Its left column.
    pub x: u16,
    /// Its first row.
    pub y: u16,
    /// A row for each edge that arrives, at least one.
    pub height: u16,
    /// Columns of its name.
    pub name_width: u16,
}

/// An edge: a line of straight stretches, its text at the end, and an arrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Its place among the edges that were given.
    pub edge: usize,
    /// The corners of its line.
    pub corners: Vec<(u16, u16)>,
    /// Where its text begins, and how many columns it has.
    pub text: (u16, u16, u16),
}

/// A drawing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// The services.
    pub cards: Vec<Card>,
    /// The edges that lead to the right.
    pub paths: Vec<Path>,
    /// The edges that lead back or to itself, which are not drawn as lines.
    pub back: Vec<usize>,
    /// How many rows it takes.
    pub height: u16,
}

/// What is drawn.
#[derive(Debug)]
pub struct Sketch<'a> {
    /// The edges between nodes.
    pub edges: &'a [(usize, usize)],
    /// Columns of the name of each node.
    pub names: &'a [usize],
    /// Columns of the forms of each edge's text, the longest first.
    pub texts: &'a [Vec<usize>],
}

/// Draws it in so many columns and rows.
pub fn draw(sketch: &Sketch<'_>, size: (u16, u16)) -> Option<Graph> {
    let layered = Layered::new(sketch.edges, sketch.names.len());
    TRIES
        .iter()
        .find_map(|&(most, form)| place::place(&layered, sketch, (most, form), size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(edges: &[(usize, usize)], names: &[usize], size: (u16, u16)) -> Option<Graph> {
        let texts = vec![vec![16, 12, 9, 6]; edges.len()];
        let texts = &texts;
        super::draw(
            &Sketch {
                edges,
                names,
                texts,
            },
            size,
        )
    }

    /// Characters for the corners and stretches, as a person would check it.
    fn sketch(edges: &[(usize, usize)], names: &[&str], size: (u16, u16)) -> Vec<String> {
        let widths: Vec<usize> = names.iter().map(|n| n.len()).collect();
        let graph = draw(edges, &widths, size).unwrap();
        let mut rows = vec![vec![' '; usize::from(size.0)]; usize::from(graph.height)];
        for path in &graph.paths {
            for pair in path.corners.windows(2) {
                let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
                for x in x0.min(x1)..=x0.max(x1) {
                    for y in y0.min(y1)..=y0.max(y1) {
                        let cell = &mut rows[usize::from(y)][usize::from(x)];
                        *cell = if y0 == y1 && *cell == ' ' { '-' } else { '+' };
                    }
                }
            }
        }
        for card in &graph.cards {
            let row = &mut rows[usize::from(card.y)];
            for (i, c) in names[card.node].chars().enumerate() {
                row[usize::from(card.x) + i] = c;
            }
        }
        rows.iter()
            .map(|row| row.iter().collect::<String>().trim_end().to_owned())
            .collect()
    }

    #[test]
    fn callers_stand_left_of_their_callees_and_every_edge_has_its_row() {
        // web -> cart, web -> pay, pay -> cart, cart -> db
        let drawn = sketch(
            &[(0, 1), (0, 2), (2, 1), (1, 3)],
            &["web", "cart", "pay", "db"],
            (80, 20),
        );
        insta::assert_snapshot!(drawn.join("\n"));
    }

    #[test]
    fn cycles_and_loops_are_no_lines() {
        let graph = draw(&[(0, 1), (1, 0), (1, 1)], &[3, 3], (60, 10)).unwrap();
        assert_eq!(graph.back, [1, 2]);
        assert_eq!(graph.paths.len(), 1);
    }

    #[test]
    fn what_does_not_fit_is_not_drawn() {
        let chain: Vec<(usize, usize)> = (0..9).map(|i| (i, i + 1)).collect();
        assert!(draw(&chain, &[8; 10], (110, 20)).is_none());
        let fan: Vec<(usize, usize)> = (1..15).map(|i| (0, i)).collect();
        assert!(draw(&fan, &[8; 15], (110, 10)).is_none());
        assert!(draw(&fan, &[8; 15], (110, 20)).is_some());
    }

    #[test]
    fn cards_and_texts_lie_apart() {
        let mut edges = vec![];
        for i in 0..24_usize {
            edges.push((i / 3, i + 1));
            if i % 4 == 0 {
                edges.push((i / 4, i + 1));
            }
        }
        let graph = draw(&edges, &[9; 25], (140, 40)).unwrap();
        let mut taken = std::collections::HashSet::new();
        for card in &graph.cards {
            for y in card.y..card.y + card.height {
                for x in card.x..card.x + card.name_width + 3 {
                    assert!(x < 140 && y < 40 && taken.insert((x, y)), "{card:?}");
                }
            }
        }
        for path in &graph.paths {
            let (x, y, width) = path.text;
            for x in x..x + width {
                assert!(taken.insert((x, y)), "{path:?}");
            }
        }
    }
}
