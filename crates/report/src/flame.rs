//! What is reckoned from the stacks of a profile: the time of each function, alone and with all that it calls, the
//! differences between two stretches that are more than chance, and the forms that other tools read.

mod difference;
mod folded;
mod pprof;
mod svg;

pub use difference::{Difference, differences, grown};
pub use folded::folded;
pub use pprof::pprof;
pub use svg::svg;

use coral_model::profile::Flame;

/// The samples of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Index into the profile's functions.
    pub function: u32,
    /// Those that met it itself.
    pub own: u64,
    /// Those that met it or what it called, each once.
    pub total: u64,
    /// `own` in the stretch that was compared with.
    pub own_before: u64,
    /// `total` there.
    pub total_before: u64,
}

/// The functions, those with the most samples of their own first.
pub fn totals(flame: &Flame) -> Vec<Totals> {
    let none = |function| Totals {
        function,
        own: 0,
        total: 0,
        own_before: 0,
        total_before: 0,
    };
    let mut all: Vec<Totals> = (0..flame.functions.len() as u32).map(none).collect();
    let mut met = vec![usize::MAX; all.len()];
    for (number, stack) in flame.stacks.iter().enumerate() {
        for &frame in &stack.frames {
            // A function that calls itself has the sample once.
            if std::mem::replace(&mut met[frame as usize], number) != number {
                all[frame as usize].total += stack.samples;
                all[frame as usize].total_before += stack.before;
            }
        }
        if let Some(&leaf) = stack.frames.last() {
            all[leaf as usize].own += stack.samples;
            all[leaf as usize].own_before += stack.before;
        }
    }
    let name = |t: &Totals| flame.functions[t.function as usize].name.raw();
    all.sort_by(|a, b| {
        (b.own, b.total)
            .cmp(&(a.own, a.total))
            .then_with(|| name(a).cmp(name(b)))
    });
    all
}

#[cfg(test)]
mod tests;
