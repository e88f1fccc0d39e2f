//! What a search finds in a flame graph: which frames, and the share of the samples that have one of them.

use super::{Key, Tree};
use crate::console::filter::Filter;

/// More hits are not gone through by key.
const HITS_MAX: usize = 1000;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// By key: whether it fits.
    keys: Vec<bool>,
    /// The outermost nodes that fit, the widest first.
    pub hits: Vec<u32>,
    /// How many functions fit.
    pub functions: usize,
    /// Samples with a frame that fits, each once.
    pub samples: u64,
}

impl Found {
    /// Looks for what a filter names; an empty one finds nothing.
    pub fn search(tree: &Tree, filter: &Filter) -> Self {
        if filter.is_empty() {
            return Self::default();
        }
        let fits = |key: &Key| filter.passes_text(&searched(key), |_| None);
        let keys: Vec<bool> = tree.keys().iter().map(fits).collect();
        let mut found = Self {
            functions: keys.iter().filter(|fits| **fits).count(),
            keys,
            ..Self::default()
        };
        let mut within = vec![false; tree.nodes().len()];
        for (number, node) in tree.nodes().iter().enumerate().skip(1) {
            let above = within[node.parent as usize];
            let fits = found.has(node.key);
            within[number] = above || fits;
            if fits && !above {
                found.samples += node.samples;
                found.hits.push(number as u32);
            }
        }
        found.hits.sort_by(|a, b| {
            let wider = tree.width(*b).total_cmp(&tree.width(*a));
            wider.then(a.cmp(b))
        });
        found.hits.truncate(HITS_MAX);
        found
    }

    /// Whether a key fits.
    pub fn has(&self, key: u32) -> bool {
        self.keys.get(key as usize).copied().unwrap_or(false)
    }
}

/// What a search looks at: the name, the file of the source, the program or library; in lower case.
fn searched(key: &Key) -> String {
    let mut text = key.name().visible().to_lowercase();
    if let Some(function) = key.function() {
        for more in [function.file.as_ref(), Some(&function.binary)] {
            text.push(' ');
            text.push_str(&more.map_or(String::new(), |m| m.visible().to_lowercase()));
        }
    }
    text
}
