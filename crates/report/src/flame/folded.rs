//! Folded stacks: a line a stack, frames from the outermost to the innermost with semicolons between, a space, the samples.
//! The form that flame graph tools read (Gregg, stackcollapse).

use coral_model::Observed;
use coral_model::profile::{Flame, FlameStack};
use std::collections::BTreeMap;

/// The lines, sorted; stacks that read alike are one. Of two stretches a line has two numbers, before and now.
pub fn folded(flame: &Flame) -> String {
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for stack in &flame.stacks {
        let sum = sums.entry(line(flame, stack)).or_default();
        sum.0 += stack.before;
        sum.1 += stack.samples;
    }
    let text = |(stack, (before, now)): (String, (u64, u64))| match flame.before_samples {
        Some(_) => format!("{stack} {before} {now}\n"),
        None => format!("{stack} {now}\n"),
    };
    sums.into_iter().map(text).collect()
}

fn line(flame: &Flame, stack: &FlameStack) -> String {
    let mut line = part(&stack.thread);
    for &frame in &stack.frames {
        line.push(';');
        if let Some(function) = flame.functions.get(frame as usize) {
            line.push_str(&part(&function.name));
            if function.kernel {
                line.push_str("_[k]");
            }
        }
    }
    line
}

/// A name that cannot end its frame or line, nor be taken for samples: a line may have two numbers at its end.
fn part(name: &Observed) -> String {
    let text = name.visible().replace(';', ":");
    match text.rsplit_once(' ') {
        _ if text.is_empty() => "?".to_owned(),
        Some((front, last)) if last.parse::<f64>().is_ok() => format!("{front}_{last}"),
        _ => text,
    }
}
