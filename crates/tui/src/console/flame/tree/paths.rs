//! Stacks as sorted paths: after that, whatever begins alike is side by side.

use super::NONE;
use crate::console::flame::{Key, Shape};
use coral_model::Observed;
use coral_model::profile::Flame;
use std::collections::HashMap;

/// The stacks as rows of keys, sorted.
pub(super) struct Paths {
    pub(super) keys: Vec<u32>,
    /// Where each path lies, and of which stack it is.
    pub(super) spans: Vec<(u32, u32, u32)>,
}

impl Paths {
    pub(super) fn of(flame: &Flame, shape: Shape) -> (Vec<Key>, Self) {
        let functions = flame.functions.iter().cloned().map(Key::Function);
        let mut names: Vec<Key> = functions.collect();
        let mut threads: HashMap<&Observed, u32> = HashMap::new();
        let (mut keys, mut spans) = (vec![], vec![]);
        // Where in the path each function stands.
        let mut places = vec![NONE; names.len()];
        for (number, stack) in flame.stacks.iter().enumerate() {
            let start = keys.len();
            if shape.threads {
                let thread = *threads.entry(&stack.thread).or_insert_with(|| {
                    names.push(Key::Thread(stack.thread.clone()));
                    names.len() as u32 - 1
                });
                keys.push(thread);
            }
            let first = keys.len();
            let known = |frame: &&u32| (**frame as usize) < places.len();
            let frames: Vec<u32> = stack.frames.iter().filter(known).copied().collect();
            match shape.merged {
                true => push_once(&mut keys, first, &frames, &mut places),
                false => keys.extend(&frames),
            }
            if shape.inverted {
                keys[first..].reverse();
            }
            spans.push((start as u32, keys.len() as u32, number as u32));
        }
        spans.sort_by(|a, b| {
            let path = |span: &(u32, u32, u32)| &keys[span.0 as usize..span.1 as usize];
            path(a).cmp(path(b))
        });
        (names, Self { keys, spans })
    }
}

/// Each function once: what is called again below itself goes on where it stood first.
fn push_once(keys: &mut Vec<u32>, first: usize, frames: &[u32], places: &mut [u32]) {
    for &frame in frames {
        match places[frame as usize] {
            NONE => {
                places[frame as usize] = keys.len() as u32;
                keys.push(frame);
            }
            place => {
                for gone in keys.drain(place as usize + 1..) {
                    places[gone as usize] = NONE;
                }
            }
        }
    }
    for &frame in &keys[first..] {
        places[frame as usize] = NONE;
    }
}
