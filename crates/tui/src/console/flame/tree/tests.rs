//! What holds for every tree of stacks, and for its boxes.

use super::super::boxes::{Place, Zoom, lay_out, samples};
use super::super::{Found, Graph, Way};
use super::*;
use crate::console::filter::Filter;
use coral_model::Observed;
use coral_model::profile::{FlameFunction, FlameStack};
use proptest::prelude::*;

const SHAPES: usize = 8;

fn shape(number: usize) -> Shape {
    Shape {
        inverted: number & 1 > 0,
        merged: number & 2 > 0,
        threads: number & 4 > 0,
    }
}

/// Stacks of functions `a`, `b`, ... of threads `0`, `1`, ...
fn flame(stacks: &[(&str, u64, u64)], compared: bool) -> Flame {
    let function = |letter: u8| FlameFunction {
        name: Observed::new(char::from(letter).to_string()),
        file: None,
        line: None,
        binary: Observed::new("/app/x"),
        inlined: false,
        kernel: false,
    };
    let stack = |(number, (path, samples, before)): (usize, &(&str, u64, u64))| FlameStack {
        thread: Observed::new(format!("{}", number % 2)),
        frames: path.bytes().map(|b| u32::from(b - b'a')).collect(),
        samples: *samples,
        weight_ns: 0,
        before: *before,
    };
    Flame {
        samples: stacks.iter().map(|s| s.1).sum(),
        before_samples: compared.then(|| stacks.iter().map(|s| s.2).sum()),
        functions: (b'a'..=b'h').map(function).collect(),
        stacks: stacks.iter().enumerate().map(stack).collect(),
        ..Flame::default()
    }
}

fn name(tree: &Tree, node: u32) -> String {
    let key = tree.key(node);
    key.map_or("all".to_owned(), |k| k.name().raw().to_owned())
}

/// Every path with what ends there: `a/b 3`.
fn paths(tree: &Tree) -> Vec<String> {
    let path = |node: u32| {
        let names: Vec<String> = tree
            .path(node)
            .iter()
            .skip(1)
            .map(|n| name(tree, *n))
            .collect();
        names.join("/")
    };
    let ends = (0..tree.nodes().len() as u32).filter(|n| tree.node(*n).own > 0);
    let mut all: Vec<String> = ends
        .map(|n| format!("{} {}", path(n), tree.node(n).own))
        .collect();
    all.sort();
    all
}

#[test]
fn stacks_that_begin_alike_share_their_nodes() {
    let flame = flame(&[("abc", 3, 0), ("abd", 5, 0), ("ab", 1, 0)], false);
    let tree = Tree::build(&flame, Shape::default());
    assert_eq!(paths(&tree), ["a/b 1", "a/b/c 3", "a/b/d 5"]);
    let a = tree.children(Tree::ALL)[0];
    let b = tree.children(a)[0];
    let names: Vec<String> = tree.children(b).iter().map(|n| name(&tree, *n)).collect();
    assert_eq!(names, ["d", "c"], "the widest first");
    assert_eq!((tree.node(b).samples, tree.node(b).own), (9, 1));
    assert_eq!(tree.node(Tree::ALL).height, 3);
}

#[test]
fn recursion_goes_on_where_the_function_stood_first() {
    let merged = Shape {
        merged: true,
        ..Shape::default()
    };
    let flame = flame(&[("abbb", 1, 0), ("abcbcd", 2, 0), ("abcba", 4, 0)], false);
    let tree = Tree::build(&flame, merged);
    assert_eq!(paths(&tree), ["a 4", "a/b 1", "a/b/c/d 2"]);
}

#[test]
fn inverted_the_functions_that_were_met_come_first() {
    let inverted = Shape {
        inverted: true,
        ..Shape::default()
    };
    let flame = flame(&[("abc", 1, 0), ("adc", 2, 0)], false);
    assert_eq!(
        paths(&Tree::build(&flame, inverted)),
        ["c/b/a 1", "c/d/a 2"]
    );
    let both = Shape {
        threads: true,
        ..inverted
    };
    assert_eq!(
        paths(&Tree::build(&flame, both)),
        ["0/c/b/a 1", "1/c/d/a 2"]
    );
}

#[test]
fn what_is_gone_still_has_a_box() {
    let flame = flame(&[("ab", 10, 0), ("ac", 0, 10)], true);
    let tree = Tree::build(&flame, Shape::default());
    let rows = lay_out(&tree, Zoom::default(), 40, 0..9);
    let widths: Vec<u16> = rows[2].iter().map(|slot| slot.width).collect();
    assert_eq!(widths, [20, 20]);
}

#[test]
fn a_search_counts_each_sample_once() {
    let flame = flame(&[("abab", 3, 0), ("acb", 5, 0), ("ad", 2, 0)], false);
    let tree = Tree::build(&flame, Shape::default());
    let found = Found::search(&tree, &Filter::parse("b"));
    assert_eq!((found.samples, found.functions), (8, 1));
    let hits: Vec<u64> = found.hits.iter().map(|n| tree.node(*n).samples).collect();
    assert_eq!(hits, [5, 3], "the outermost, the widest first");
}

#[test]
fn the_cursor_stays_on_its_box_when_another_answer_comes() {
    let first = flame(&[("abc", 3, 0), ("abd", 5, 0)], false);
    let (mut graph, old) = (Graph::default(), Tree::build(&first, Shape::default()));
    for way in [Way::Down, Way::Down, Way::Down, Way::Right] {
        graph.go(&old, 80, way);
    }
    let at = |graph: &Graph, tree: &Tree| match graph.at {
        Place::Node(node) => name(tree, node),
        Place::Rest { .. } => "rest".to_owned(),
    };
    assert_eq!(at(&graph, &old), "c");
    let new = Tree::build(
        &flame(&[("abc", 9, 0), ("ae", 5, 0)], false),
        Shape::default(),
    );
    graph.follow(&old, &new);
    assert_eq!(at(&graph, &new), "c");
    let without = Tree::build(&flame(&[("ae", 5, 0)], false), Shape::default());
    graph.follow(&new, &without);
    assert_eq!(at(&graph, &without), "a", "what it hung on");
}

#[test]
fn what_is_too_narrow_is_reached_all_the_same() {
    let many: Vec<(String, u64, u64)> = ["ab", "ac", "ad", "ae", "af", "ag"]
        .iter()
        .zip([1000, 4, 3, 2, 1, 1])
        .map(|(path, samples)| ((*path).to_owned(), samples, 0))
        .collect();
    let many: Vec<(&str, u64, u64)> = many.iter().map(|s| (s.0.as_str(), s.1, s.2)).collect();
    let tree = Tree::build(&flame(&many, false), Shape::default());
    let mut graph = Graph::default();
    for way in [Way::Down, Way::Down, Way::Right] {
        graph.go(&tree, 40, way);
    }
    assert!(
        matches!(graph.at, Place::Rest { from: 1, .. }),
        "{:?}",
        graph.at
    );
    graph.zoom_in();
    graph.go(&tree, 40, Way::Down);
    let Place::Node(node) = graph.at else {
        panic!("{:?}", graph.at);
    };
    assert_eq!(name(&tree, node), "c");
    assert!(graph.zoom_out());
    graph.show(&tree, 40, tree.children(1)[5]);
    graph.settle(&tree, 40, 10);
    assert_eq!(graph.at, Place::Node(tree.children(1)[5]));
}

prop_compose! {
    fn stacks()(stacks in prop::collection::vec(("[a-h]{0,9}", 0_u64..50, 0_u64..50), 1..40)) -> Vec<(String, u64, u64)> {
        stacks
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn totals_add_up_in_every_form(stacks in stacks(), number in 0..SHAPES, compared: bool) {
        let stacks: Vec<(&str, u64, u64)> = stacks.iter().map(|s| (s.0.as_str(), s.1, s.2)).collect();
        let flame = flame(&stacks, compared);
        let tree = Tree::build(&flame, shape(number));
        prop_assert_eq!(tree.samples(), flame.samples);
        prop_assert_eq!(tree.before(), flame.before_samples);
        for (number, node) in tree.nodes().iter().enumerate() {
            let below = tree.children(number as u32).iter().map(|n| tree.node(*n).samples);
            prop_assert_eq!(below.sum::<u64>() + node.own, node.samples);
            let keys: Vec<u32> = tree.children(number as u32).iter().map(|n| tree.node(*n).key).collect();
            let once: std::collections::HashSet<u32> = keys.iter().copied().collect();
            prop_assert_eq!(once.len(), keys.len(), "brothers differ");
        }
    }

    #[test]
    fn merged_no_function_is_below_itself(stacks in stacks(), number in 0..SHAPES) {
        let stacks: Vec<(&str, u64, u64)> = stacks.iter().map(|s| (s.0.as_str(), s.1, s.2)).collect();
        let merged = Shape { merged: true, ..shape(number) };
        let tree = Tree::build(&flame(&stacks, false), merged);
        for node in 0..tree.nodes().len() as u32 {
            let path: Vec<u32> = tree.path(node).iter().map(|n| tree.node(*n).key).collect();
            let once: std::collections::HashSet<u32> = path.iter().copied().collect();
            prop_assert_eq!(once.len(), path.len());
        }
    }

    #[test]
    fn every_sample_is_in_a_box_or_ends_above_it(stacks in stacks(), number in 0..SHAPES, width in 1_u16..120, compared: bool) {
        let stacks: Vec<(&str, u64, u64)> = stacks.iter().map(|s| (s.0.as_str(), s.1, s.2)).collect();
        let tree = Tree::build(&flame(&stacks, compared), shape(number));
        let rows = lay_out(&tree, Zoom::default(), width, 0..99);
        for (depth, row) in rows.iter().enumerate() {
            let mut x = 0;
            for slot in row {
                prop_assert!(slot.width > 0 && slot.x >= x, "{slot:?}");
                x = slot.x + slot.width;
                prop_assert!(x <= width);
            }
            let Some(next) = rows.get(depth + 1) else { continue };
            for slot in row {
                // Whatever hangs on a box lies below it, and is all of its samples but its own.
                let Place::Node(node) = slot.place else { continue };
                let inside = |s: &&crate::console::flame::Slot| slot.holds(s.x) && s.x + s.width <= slot.x + slot.width;
                let below: u64 = next.iter().filter(inside).map(|s| samples(&tree, s.place).0).sum();
                let here = tree.node(node);
                if tree.width(node) > 0.0 {
                    prop_assert_eq!(below + here.own, here.samples);
                }
            }
        }
    }
}
