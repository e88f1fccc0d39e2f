//! What is typed to find functions of a service, and which of them are chosen.

use crate::console::moment::Moment;
use crate::console::questions;
use coral_model::probe::{FoundFunction, Functions};
use coral_model::{Observed, Question, ServiceKey};
use std::time::Duration;

/// Typing rests so long before it is looked for what was typed.
pub const REST: Duration = Duration::from_millis(150);
/// Functions of one probe that can be marked here.
const MARKED_MAX: usize = 100;

/// Functions of a service to choose from.
#[derive(Debug, Clone, PartialEq)]
pub struct Picker {
    /// Whose.
    pub service: ServiceKey,
    /// As it was typed.
    pub text: String,
    /// The row under the cursor.
    pub index: usize,
    /// Those that were marked, in that order.
    pub marked: Vec<Observed>,
    /// What is looked for.
    pattern: String,
    /// What was found last, until something else is.
    pub shown: Option<Question>,
    typed: Duration,
}

impl Picker {
    /// A picker that looks for a name at once; an empty one finds all.
    pub fn open(service: ServiceKey, name: &str, now: Moment) -> Self {
        Self {
            service,
            text: name.to_owned(),
            index: 0,
            marked: vec![],
            pattern: name.to_owned(),
            shown: None,
            typed: now.up,
        }
    }

    /// What finds them.
    pub fn question(&self) -> Question {
        questions::functions(&self.service, &self.pattern)
    }

    /// Another text was typed.
    pub fn typed(&mut self, text: String, now: Moment) {
        (self.text, self.typed) = (text, now.up);
    }

    /// Whether what was typed is not looked for yet.
    pub fn is_behind(&self) -> bool {
        self.text != self.pattern
    }

    /// Looks for what was typed once typing rests.
    pub fn settle(&mut self, is_asking: bool, now: Moment) {
        let rests = now.up.saturating_sub(self.typed) >= REST;
        if self.is_behind() && rests && !is_asking {
            self.pattern.clone_from(&self.text);
            self.index = 0;
        }
    }

    /// The first row on a screen of so many.
    pub fn first(&self, height: usize) -> usize {
        (self.index + 1).saturating_sub(height.max(1))
    }

    /// Marks a function, or takes its mark away.
    pub fn mark(&mut self, function: &FoundFunction) {
        let name = &function.function.name;
        match self.marked.iter().position(|known| known == name) {
            Some(at) => drop(self.marked.remove(at)),
            None if self.marked.len() < MARKED_MAX => self.marked.push(name.clone()),
            None => {}
        }
    }

    /// Whether a pattern was typed that stands for all that fit it.
    pub fn is_pattern(&self) -> bool {
        self.text.contains('*')
    }

    /// What would be probed now: those marked, else all of a pattern, else the one under the cursor; or why nothing can be.
    pub fn chosen(&self, found: Option<&Functions>) -> Result<Vec<Observed>, String> {
        if !self.marked.is_empty() {
            return Ok(self.marked.clone());
        }
        if self.is_behind() {
            return Err("still looking for what was typed".to_owned());
        }
        let row = found.and_then(|found| found.rows.get(self.index));
        match row {
            None => Err("no function is called that".to_owned()),
            Some(_) if self.is_pattern() => Ok(vec![Observed::new(self.text.trim())]),
            Some(row) if row.address == 0 => Err(format!(
                "{} has no code of its own: {}",
                row.function.name.visible(),
                coral_report::found_note(row)
            )),
            Some(row) => Ok(vec![row.function.name.clone()]),
        }
    }
}
