//! `cargo xtask bench`: none exists yet. Each figure of the design gets its bench with the feature that it measures.

use crate::arguments::Arguments;
use crate::failure::Failure;

pub fn command(mut arguments: Arguments) -> Result<(), Failure> {
    let names = arguments.rest();
    arguments.finish()?;
    let asked = names.first().map_or(String::new(), |name| {
        format!("there is no bench `{name}`: ")
    });
    Err(Failure::usage(format!("{asked}no bench exists yet")))
}
