//! Columns and rows of cards and lines.

use super::layers::{Item, Layered};
use super::{CARD_EXTRA, Card, Graph, Path, Sketch};
use std::collections::HashMap;

/// Beside the lanes and the text of a channel: a dash before the text, a dash and the arrow after it.
const AROUND_TEXT: usize = 3;

/// Rows of the items.
type Rows = HashMap<Item, (usize, usize)>;

/// A place for everything, with names of at most so many columns and texts of this form; `None` when it does not fit.
pub(super) fn place(
    layered: &Layered,
    sketch: &Sketch<'_>,
    (most, form): (usize, usize),
    (width, height): (u16, u16),
) -> Option<Graph> {
    let rows = rows(layered, usize::from(height))?;
    let targets = targets(layered, &rows);
    let mut columns = Columns::default();
    for (layer, items) in layered.layers.iter().enumerate() {
        let name = |item: &Item| match item {
            Item::Node(node) => sketch.names[*node].min(most),
            Item::Pass(_) => 0,
        };
        let name_width = items.iter().map(name).max().unwrap_or(0);
        columns.cards.push((columns.end, name_width));
        columns.end += name_width + CARD_EXTRA;
        if let Some(lines) = layered.channels.get(layer) {
            let row = |edge: usize| targets[&(layer, edge)];
            let lanes = Lanes::new(lines, &rows, row);
            let arriving = lines.iter().filter(|line| matches!(line.1, Item::Node(_)));
            let text = arriving.filter_map(|line| sketch.texts[line.2].get(form));
            let text = text.copied().max().unwrap_or(0);
            columns.channels.push((columns.end, text));
            columns.end += lanes.count + text + AROUND_TEXT;
            columns.lanes.push(lanes);
        }
    }
    (columns.end <= usize::from(width)).then(|| build(layered, sketch, &rows, &targets, &columns))
}

#[derive(Default)]
struct Columns {
    /// Where the cards of a layer begin, and how wide their names are.
    cards: Vec<(usize, usize)>,
    /// Where the lanes after a layer begin, and how long the texts behind them are.
    channels: Vec<(usize, usize)>,
    lanes: Vec<Lanes>,
    end: usize,
}

/// The row on which an edge arrives in a channel.
type Targets = HashMap<(usize, usize), usize>;

fn targets(layered: &Layered, rows: &Rows) -> Targets {
    let mut targets = HashMap::new();
    for (channel, lines) in layered.channels.iter().enumerate() {
        let mut arriving: HashMap<Item, Vec<(usize, usize)>> = HashMap::new();
        for &(from, to, edge) in lines {
            arriving.entry(to).or_default().push((rows[&from].0, edge));
        }
        for (to, mut edges) in arriving {
            edges.sort_unstable();
            for (i, (_, edge)) in edges.into_iter().enumerate() {
                targets.insert((channel, edge), rows[&to].0 + i);
            }
        }
    }
    targets
}

/// First row and height of each item.
fn rows(layered: &Layered, height: usize) -> Option<Rows> {
    let mut heights: HashMap<Item, usize> = HashMap::new();
    for lines in &layered.channels {
        for (_, to, _) in lines {
            *heights.entry(*to).or_default() += 1;
        }
    }
    let height_of = |item: &Item| heights.get(item).copied().unwrap_or(1);
    let fits = |gap: usize| {
        layered.layers.iter().all(|items| {
            let sum: usize = items.iter().map(height_of).sum();
            sum + gap * items.len().saturating_sub(1) <= height
        })
    };
    let gap = [1, 0].into_iter().find(|&gap| fits(gap))?;
    let mut rows: Rows = HashMap::new();
    let count = layered.layers.len();
    let passes = (0..count).chain((0..count).rev()).chain(0..count);
    for (pass, layer) in passes.enumerate() {
        let leftwards = (count..2 * count).contains(&pass);
        let items = &layered.layers[layer];
        let mut rest: usize = items.iter().map(height_of).sum::<usize>() + gap * items.len();
        let mut free = 0;
        for item in items {
            let own = height_of(item);
            rest -= own + gap;
            let latest = (height + gap).saturating_sub(rest + own + gap);
            let wanted = wanted(layered, &rows, *item, layer, leftwards, own);
            let y = wanted.unwrap_or(free).max(free).min(latest.max(free));
            rows.insert(*item, (y, own));
            free = y + own + gap;
        }
    }
    Some(rows)
}

/// The row at which an item would hang straight.
fn wanted(
    layered: &Layered,
    rows: &Rows,
    item: Item,
    layer: usize,
    leftwards: bool,
    own: usize,
) -> Option<usize> {
    let beside: Vec<usize> = match leftwards {
        true => layered.channels.get(layer)?.iter(),
        false => layered.channels.get(layer.checked_sub(1)?)?.iter(),
    }
    .filter_map(|&(from, to, _)| match leftwards {
        true if from == item => rows.get(&to).map(|(y, height)| y + (height - 1) / 2),
        false if to == item => rows.get(&from).map(|r| r.0),
        _ => None,
    })
    .collect();
    let sum: usize = beside.iter().sum();
    let mean = (sum + beside.len() / 2).checked_div(beside.len())?;
    Some(match leftwards {
        true => mean,
        false => mean.saturating_sub((own - 1) / 2),
    })
}

/// The vertical stretches of a channel: one lane a caller, apart from those that they would touch.
struct Lanes {
    of: HashMap<Item, usize>,
    count: usize,
}

impl Lanes {
    fn new(lines: &[(Item, Item, usize)], rows: &Rows, row: impl Fn(usize) -> usize) -> Self {
        let mut spans: Vec<(Item, usize, usize, usize)> = vec![];
        for &(from, _, edge) in lines {
            let (source, target) = (rows[&from].0, row(edge));
            match spans.iter_mut().find(|s| s.0 == from) {
                Some(span) => (span.2, span.3) = (span.2.min(target), span.3.max(target)),
                None => spans.push((from, source, source.min(target), source.max(target))),
            }
        }
        // A caller whose row another edge arrives on must turn off before that edge comes in.
        let arrives = |at: usize, own: Item| {
            let other = |&&(from, _, edge): &&(Item, Item, usize)| from != own && row(edge) == at;
            lines.iter().find(other).map(|line| line.0)
        };
        let mut lanes: Vec<Vec<(usize, usize)>> = vec![];
        let mut of = HashMap::new();
        let mut waiting: Vec<_> = spans.into_iter().filter(|s| s.2 != s.3).collect();
        waiting.sort_by_key(|s| (s.2, s.3));
        let mut rounds = waiting.len() * waiting.len() + 1;
        while !waiting.is_empty() {
            let span = waiting.remove(0);
            // It lies right of every caller on whose row it arrives.
            let before =
                |other: &(Item, usize, usize, usize)| arrives(other.1, other.0) == Some(span.0);
            rounds = rounds.saturating_sub(1);
            if rounds > 0 && waiting.iter().any(before) {
                waiting.push(span);
                continue;
            }
            let least = of
                .iter()
                .filter(|&(&other, _)| arrives(rows[&other].0, other) == Some(span.0))
                .map(|(_, &lane): (_, &usize)| lane + 1)
                .max()
                .unwrap_or(0);
            let free =
                |lane: &[(usize, usize)]| lane.iter().all(|&(a, b)| span.3 < a || b < span.2);
            let lane = (least..lanes.len())
                .find(|&lane| free(&lanes[lane]))
                .unwrap_or(lanes.len().max(least));
            lanes.resize(lanes.len().max(lane + 1), vec![]);
            lanes[lane].push((span.2, span.3));
            of.insert(span.0, lane);
        }
        Self {
            of,
            count: lanes.len(),
        }
    }
}

fn build(
    layered: &Layered,
    sketch: &Sketch<'_>,
    rows: &Rows,
    targets: &Targets,
    columns: &Columns,
) -> Graph {
    let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let mut graph = Graph {
        back: layered.back.clone(),
        ..Graph::default()
    };
    for (items, &(x, name_width)) in layered.layers.iter().zip(&columns.cards) {
        for item in items {
            let (y, height) = rows[item];
            graph.height = graph.height.max(small(y + height));
            if let Item::Node(node) = item {
                graph.cards.push(Card {
                    node: *node,
                    x: small(x),
                    y: small(y),
                    height: small(height),
                    name_width: small(name_width),
                });
            }
        }
    }
    let mut paths: HashMap<usize, Path> = HashMap::new();
    for (channel, lines) in layered.channels.iter().enumerate() {
        let ((start, text), lanes) = (columns.channels[channel], &columns.lanes[channel]);
        let end = columns.cards[channel + 1].0;
        for &(from, to, edge) in lines {
            let (source, target) = (rows[&from].0, targets[&(channel, edge)]);
            let path = paths.entry(edge).or_insert_with(|| Path {
                edge,
                corners: vec![(small(start), small(source))],
                text: (0, 0, 0),
            });
            if let Some(lane) = lanes.of.get(&from) {
                let x = small(start + lane);
                path.corners
                    .extend([(x, small(source)), (x, small(target))]);
            }
            let arrives = matches!(to, Item::Node(_));
            let stop = match arrives {
                true => end - 1,
                false => columns.cards[channel + 1].0 + columns.cards[channel + 1].1 + CARD_EXTRA,
            };
            path.corners.push((small(stop), small(target)));
            if arrives {
                path.text = (small(start + lanes.count + 1), small(target), small(text));
            }
        }
    }
    graph.paths = (0..sketch.edges.len())
        .filter_map(|edge| paths.remove(&edge))
        .collect();
    graph
}
