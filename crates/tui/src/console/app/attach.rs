//! Choosing functions of a service, and attaching to them.

use super::{App, List, Mode, Outcome, Page, RowKey};
use crate::console::event::Action;
use crate::console::layout;
use crate::console::moment::Moment;
use crate::console::probing::{Picker, Session};
use crate::console::questions;
use crate::failure::Failure;
use coral_model::probe::Functions;
use coral_model::profile::Target;
use coral_model::{Answer, AnswerBody, Observed, Question, ServiceKey};
use ratatui::layout::{Position, Rect};

impl App {
    /// Whether functions can be chosen here.
    pub(super) fn can_probe(&self) -> bool {
        let acts = !self.config.read_only && self.config.replay.is_none();
        acts && (self.service_here().is_some() || self.blamed_function().is_some())
    }

    /// The function under the cursor of a flame graph; code of the kernel cannot be probed.
    fn flame_function(&self) -> Option<Observed> {
        let on_page = self.profiled_service().is_some();
        let function = on_page.then(|| self.flame_focus().1?.function())??;
        (!function.kernel).then(|| function.name.clone())
    }

    /// The function that the cause under the cursor of a diagnosis names, else the first cause, with its service.
    fn blamed_function(&self) -> Option<(ServiceKey, Observed)> {
        let on_page = self.spot.page == Page::Diagnose;
        let read = on_page.then(|| self.selected_evidence().map(|(cause, _)| cause))?;
        let cause = read.or_else(|| self.diagnosis()?.causes.first())?;
        let service = questions::key_of(cause.service.raw());
        let is_known = self.row_of(&service).is_some();
        let function = cause.function.clone().filter(|_| is_known)?;
        // A finding about another service is about that.
        let here = self.service_here();
        here.is_none_or(|here| here == service)
            .then_some((service, function))
    }

    /// Opens the functions of the service under the cursor; from a function on, with its name.
    pub(super) fn open_picker(&mut self, now: Moment) {
        let of_service = || {
            let function = self.flame_function().unwrap_or_default();
            self.service_here().map(|service| (service, function))
        };
        let Some((service, function)) = self.blamed_function().or_else(of_service) else {
            return;
        };
        self.probing.picker = Some(Picker::open(service, function.raw(), now));
        self.mode = Mode::Attach;
    }

    /// The functions to choose from, while they are.
    pub fn picker(&self) -> Option<&Picker> {
        let open = self.mode == Mode::Attach;
        self.probing.picker.as_ref().filter(|_| open)
    }

    pub(super) fn picked_text(&self) -> &str {
        self.picker().map_or("", |picker| &picker.text)
    }

    pub(super) fn type_function(&mut self, text: String, now: Moment) {
        if let Some(picker) = &mut self.probing.picker {
            picker.typed(text, now);
        }
    }

    /// Whether a key may still follow before it is looked for what was typed.
    pub fn awaits_rest(&self) -> bool {
        self.picker().is_some_and(Picker::is_behind)
    }

    /// Looks for what was typed, and remembers what was found last.
    pub(super) fn settle_picker(&mut self, now: Moment) {
        let Some(picker) = self.picker() else {
            return;
        };
        let question = picker.question();
        let is_asking = self.asked.since(&question).is_some();
        let is_known = self.asked.get(&question).is_some();
        if let Some(picker) = &mut self.probing.picker {
            if is_known {
                picker.shown = Some(question);
            }
            picker.settle(is_asking, now);
        }
        let last = self.found_functions().map_or(0, |found| found.rows.len());
        if let Some(picker) = &mut self.probing.picker {
            picker.index = picker.index.min(last.saturating_sub(1));
        }
    }

    /// What asks for the functions.
    pub(super) fn functions_wanted(&self) -> Option<Question> {
        self.picker().map(Picker::question)
    }

    /// What was found last, or why nothing was.
    pub fn known_functions(&self) -> Option<&Result<Answer, Failure>> {
        self.asked.get(self.picker()?.shown.as_ref()?)
    }

    /// The functions that were found last.
    pub fn found_functions(&self) -> Option<&Functions> {
        match &self.known_functions()?.as_ref().ok()?.body {
            AnswerBody::Functions(found) => Some(found),
            _ => None,
        }
    }

    pub(super) fn move_in_picker(&mut self, by: isize) {
        let count = self.found_functions().map_or(0, |found| found.rows.len());
        if let Some(picker) = &mut self.probing.picker {
            let next = picker.index.saturating_add_signed(by);
            picker.index = next.min(count.saturating_sub(1));
        }
    }

    pub(super) fn mark_function(&mut self) {
        let index = self.picker().map_or(0, |picker| picker.index);
        let row = self.found_functions().and_then(|f| f.rows.get(index));
        // What has no code of its own cannot be probed.
        let Some(row) = row.filter(|row| row.address != 0).cloned() else {
            return;
        };
        if let Some(picker) = &mut self.probing.picker {
            picker.mark(&row);
        }
        self.move_in_picker(1);
    }

    /// Attaches to what was chosen, and goes to where it is seen.
    pub(super) fn attach(&mut self, now: Moment) -> Outcome {
        let Some(picker) = self.picker() else {
            return Outcome::drawn();
        };
        let names = match picker.chosen(self.found_functions()) {
            Ok(names) => names,
            Err(why) => return self.said(Err(why), now),
        };
        let target = Target::service(questions::full_name(&picker.service));
        let session = Session::start(target, names, now);
        let wish = Action::Wish {
            id: session.id.clone(),
            want: session.want(),
        };
        self.mode = Mode::Page;
        self.probing.picker = None;
        self.turn_to(Page::Probes);
        self.filters.remove(&Page::Probes);
        let key = RowKey::Probe(session.id.clone());
        self.cursors.of_mut(List::Probes).put(key);
        self.probing.sessions.add(session);
        // Calls are of now.
        let mut outcome = self.back_to_now(now);
        outcome.actions.insert(0, wish);
        outcome
    }

    /// A click on a function selects it, a second one attaches to it; one beside the box closes it.
    pub(super) fn click_picker(&mut self, at: Position, body: Rect, now: Moment) -> Outcome {
        let area = layout::picker(body);
        if !area.contains(at) {
            self.mode = Mode::Page;
            return Outcome::drawn();
        }
        let rows = layout::picker_rows(area);
        let count = self.found_functions().map_or(0, |found| found.rows.len());
        let Some(picker) = self.probing.picker.as_mut().filter(|_| rows.contains(at)) else {
            return Outcome::default();
        };
        let index = picker.first(usize::from(rows.height)) + usize::from(at.y - rows.y);
        if index >= count {
            return Outcome::default();
        }
        let again = self.clicked && picker.index == index;
        (picker.index, self.clicked) = (index, !again);
        match again {
            true => self.attach(now),
            false => Outcome::drawn(),
        }
    }
}
