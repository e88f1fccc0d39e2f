//! The profile of page 5: what asks for it, its tree, its functions and what a search finds, each worked out once an answer.

use super::{App, Known, RowKey};
use crate::console::filter::Filter;
use crate::console::flame::{Found, Shape, Tree};
use crate::console::layout;
use crate::console::memo::Memo;
use crate::console::moment::Moment;
use crate::console::questions;
use crate::failure::Failure;
use coral_model::profile::Flame;
use coral_model::{Answer, AnswerBody, Question};
use coral_report::flame::{Totals, differences, totals};

/// A function with its samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FunctionRow {
    /// Its samples.
    pub totals: Totals,
    /// By how much its own share grew, where that is more than chance.
    pub grown: Option<f64>,
}

/// What a tree was built of.
type Made = (Question, u64, Shape);

/// What is worked out of an answer once.
#[derive(Debug, Default)]
pub(in crate::console) struct Profiled {
    made: Option<Made>,
    pub(super) tree: Tree,
    /// By how much the own share of each function grew, where that is more than chance.
    grown: Vec<Option<f64>>,
    functions: Vec<FunctionRow>,
    pub(super) found: Memo<(Option<Made>, Filter), Found>,
    /// Places of the functions that pass the filter.
    places: Memo<(Option<Made>, Filter), Vec<usize>>,
}

impl Profiled {
    fn make(made: Made, flame: &Flame) -> Self {
        let mut grown = vec![None; flame.functions.len()];
        for difference in differences(flame) {
            grown[difference.function as usize] = Some(difference.grown());
        }
        let row = |totals: Totals| FunctionRow {
            grown: grown[totals.function as usize],
            totals,
        };
        let mut functions: Vec<FunctionRow> = totals(flame).into_iter().map(row).collect();
        functions.retain(|row| row.totals.total + row.totals.total_before > 0);
        let size = |row: &FunctionRow| row.grown.map_or(0.0, f64::abs);
        // A stable sort: what changed by no more than chance stays by its own share.
        functions.sort_by(|a, b| size(b).total_cmp(&size(a)));
        Self {
            tree: Tree::build(flame, made.2),
            made: Some(made),
            grown,
            functions,
            ..Self::default()
        }
    }
}

impl App {
    /// What asks for the profile of the page.
    pub(super) fn profile_question(&self) -> Option<Question> {
        let service = self.profiled_service()?;
        Some(match self.finer_shown() {
            Some(finer) => finer.question(),
            None => questions::profile(self.time.span(), service, self.time.compare),
        })
    }

    /// The profile of the page, as it was answered.
    pub fn known_profile(&self) -> Known<'_> {
        let shown = self.profile_question();
        match shown.and_then(|question| self.asked.shown(&question)) {
            Some((answer, old)) => Known {
                answer: Some(answer),
                old,
            },
            None => Known {
                answer: None,
                old: false,
            },
        }
    }

    /// The profile of the page, once it is known.
    pub fn flame(&self) -> Option<(&Answer, &Flame)> {
        flame_of(self.known_profile().answer)
    }

    /// The tree of the profile.
    pub fn flame_tree(&self) -> &Tree {
        &self.profiled.tree
    }

    /// By how much the own share of a key grew, where that is more than chance.
    pub fn grown(&self, key: u32) -> Option<f64> {
        self.profiled.grown.get(key as usize).copied().flatten()
    }

    /// What the search found.
    pub fn found(&self) -> &Found {
        self.profiled.found.get()
    }

    /// The rows of the table of functions.
    pub fn function_rows(&self) -> impl Iterator<Item = &FunctionRow> {
        let places = self.profiled.places.get().iter();
        places.filter_map(|&place| self.profiled.functions.get(place))
    }

    pub(super) fn function_count(&self) -> usize {
        self.profiled.places.get().len()
    }

    /// The function of a row of the table.
    pub(super) fn function_key(&self, index: usize) -> Option<RowKey> {
        let row = self.function_rows().nth(index)?;
        let key = self
            .profiled
            .tree
            .keys()
            .get(row.totals.function as usize)?;
        let function = key.function()?;
        let (name, binary) = (function.name.clone(), function.binary.clone());
        Some(RowKey::Function(Box::new((name, binary))))
    }

    /// The samples of a key, wherever it is met.
    pub fn totals_of(&self, key: u32) -> Option<&Totals> {
        let mut rows = self.profiled.functions.iter();
        let row = rows.find(|row| row.totals.function == key)?;
        Some(&row.totals)
    }

    /// Works out the tree when the answer or its form is another one, and brings the cursor onto a box.
    pub(super) fn settle_flame(&mut self, now: Moment) {
        if self.profiled_service().is_none() {
            return;
        }
        let question = self.profile_question();
        let standing = question.and_then(|question| self.asked.standing(&question));
        let made = standing.map(|(question, version)| (question, version, self.graph.shape));
        if made != self.profiled.made {
            let flame = made.as_ref().and_then(|m| flame_of(self.asked.get(&m.0)));
            let fresh = match (&made, flame) {
                (Some(made), Some((_, flame))) => Profiled::make(made.clone(), flame),
                _ => Profiled {
                    made: made.clone(),
                    ..Profiled::default()
                },
            };
            let old = std::mem::replace(&mut self.profiled, fresh);
            self.graph.follow(&old.tree, &self.profiled.tree);
        }
        let key = (made, self.filter().clone());
        let mut profiled = std::mem::take(&mut self.profiled);
        let (tree, functions) = (&profiled.tree, &profiled.functions);
        profiled
            .found
            .update(key.clone(), || Found::search(tree, &key.1));
        let found = profiled.found.get();
        let fits = |row: &FunctionRow| key.1.is_empty() || found.has(row.totals.function);
        let places = || {
            (0..functions.len())
                .filter(|&i| fits(&functions[i]))
                .collect()
        };
        profiled.places.update(key.clone(), places);
        if let Some(area) = layout::profile(self, layout::regions(self, now).body, now).graph {
            self.graph_size = (area.width, usize::from(area.height));
            self.graph
                .settle(&profiled.tree, area.width, usize::from(area.height));
        }
        self.profiled = profiled;
    }
}

/// The profile in an answer.
pub(super) fn flame_of(answer: Option<&Result<Answer, Failure>>) -> Option<(&Answer, &Flame)> {
    let answer = answer?.as_ref().ok()?;
    match &answer.body {
        AnswerBody::Profile(flame) => Some((answer, flame)),
        _ => None,
    }
}
