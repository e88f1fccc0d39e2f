//! Page 6: the probes of the colony, what was seen of the one under the cursor, and detaching it.

use super::{App, LinkState, List, Mode, Outcome, Page};
use crate::client::wants::Wish;
use crate::console::event::Action;
use crate::console::keys::Command;
use crate::console::moment::Moment;
use crate::console::probing::{Picker, Session, Sessions};
use crate::console::questions;
use crate::console::take::{Sheet, Value, shell_word};
use crate::failure::Failure;
use coral_model::observed::visible;
use coral_model::probe::ProbeLog;
use coral_model::{AnswerBody, Question, ServiceKey};
use std::time::Duration;

/// How often the colony's wishes are listed: on the page, while a probe is there or somebody works, and never when the
/// console stands idle.
const ON_PAGE: Duration = Duration::from_secs(1);
const ELSEWHERE: Duration = Duration::from_secs(5);
/// A console that nobody touched for this long stands idle.
const IDLE: Duration = Duration::from_secs(60);
/// Sessions whose figures are asked for.
const FIGURES_MAX: usize = 16;
/// Lines of a function among the durations.
pub(in crate::console) const DURATION_LINES: usize = 6;

/// What of a probe is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProbeView {
    /// Its newest calls.
    #[default]
    Calls,
    /// How long calls of each function took.
    Durations,
    /// Who called whom.
    Tree,
}

impl ProbeView {
    /// The one after it.
    pub const fn next(self) -> Self {
        match self {
            Self::Calls => Self::Durations,
            Self::Durations => Self::Tree,
            Self::Tree => Self::Calls,
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Durations => "durations",
            Self::Tree => "call tree",
        }
    }
}

/// The probes, and what is done with them.
#[derive(Debug, Default)]
pub(in crate::console) struct Probing {
    pub(in crate::console) sessions: Sessions,
    /// Whether the colony said which there are, or why it did not.
    pub(in crate::console) known: Option<Result<(), Failure>>,
    pub(in crate::console) view: ProbeView,
    /// The functions to choose from.
    pub(in crate::console) picker: Option<Picker>,
    /// The probe that may be detached.
    pub(in crate::console) ending: Option<String>,
    /// When a person did something last, on the steady clock.
    pub(super) touched: Duration,
    asked: Option<Duration>,
    is_asking: bool,
}

impl App {
    /// The probes that pass the filter.
    pub fn probe_rows(&self) -> impl Iterator<Item = &Session> {
        let on_page = self.spot.page == Page::Probes;
        let filter = self.filter();
        let all = self.probing.sessions.all().iter();
        all.filter(move |session| !on_page || filter.passes(session))
    }

    /// The probe under the cursor.
    pub fn selected_probe(&self) -> Option<&Session> {
        self.probe_rows().nth(self.cursors.of(List::Probes).index())
    }

    /// The service of the probe under the cursor.
    pub(super) fn probed_service(&self) -> Option<ServiceKey> {
        let service = self.selected_probe()?.target.service.as_ref()?;
        Some(questions::key_of(service))
    }

    /// What was seen of a probe, as it was answered.
    pub fn known_probe(&self, session: &Session) -> super::Known<'_> {
        let whole = self.known(&questions::probe(&session.id, true));
        match whole.answer {
            Some(_) => whole,
            None => self.known(&questions::probe(&session.id, false)),
        }
    }

    /// What was seen of a probe.
    pub fn probe_log(&self, session: &Session) -> Option<&ProbeLog> {
        match &self.known_probe(session).answer?.as_ref().ok()?.body {
            AnswerBody::Probe(log) => Some(log),
            _ => None,
        }
    }

    /// How many lines tell of the probe under the cursor.
    pub(super) fn probe_lines(&self) -> usize {
        let log = self.selected_probe().and_then(|s| self.probe_log(s));
        let lines = log.map_or(0, |log| match self.probing.view {
            ProbeView::Calls => log.calls.len(),
            ProbeView::Durations => log.functions.len() * DURATION_LINES,
            ProbeView::Tree => log.tree.len(),
        });
        lines + 1
    }

    /// Whether the probe under the cursor can be ended.
    pub(super) fn can_detach(&self) -> bool {
        !self.config.read_only && self.selected_probe().is_some()
    }

    /// The commands about probes; what is none of them is not answered.
    pub(super) fn probe_command(&mut self, command: Command, now: Moment) -> Option<Outcome> {
        match command {
            Command::Probe => self.open_picker(now),
            Command::Mark => self.mark_function(),
            Command::Attach => return Some(self.attach(now)),
            Command::NextProbeView => {
                self.probing.view = self.probing.view.next();
                self.pane.offset = 0;
            }
            Command::Detach => self.ask_to_detach(),
            Command::Confirm => return Some(self.detach()),
            _ => return None,
        }
        Some(Outcome::drawn())
    }

    /// One that is over is forgotten at once; who wished for one that is not is unknown, so that it is always asked.
    fn ask_to_detach(&mut self) {
        let Some(session) = self.selected_probe() else {
            return;
        };
        let id = session.id.clone();
        match session.over {
            Some(_) => self.probing.sessions.forget(&id),
            None => {
                self.probing.ending = Some(id);
                self.mode = Mode::Confirm;
            }
        }
    }

    fn detach(&mut self) -> Outcome {
        self.mode = Mode::Page;
        match self.probing.ending.take() {
            Some(id) => Outcome::wish(Action::Detach(id)),
            None => Outcome::drawn(),
        }
    }

    /// Takes in which wishes the colony keeps.
    pub(super) fn listed(&mut self, listed: Result<Vec<Wish>, Failure>, now: Moment) -> Outcome {
        self.probing.is_asking = false;
        let before = (
            self.probing.sessions.attached(),
            self.probing.known.is_some(),
        );
        match listed {
            Ok(wishes) => {
                self.probing.sessions.listed(wishes, now);
                self.probing.known = Some(Ok(()));
            }
            // What is known stays while the colony is away.
            Err(failure) if !matches!(self.probing.known, Some(Ok(()))) => {
                self.probing.known = Some(Err(failure));
            }
            Err(_) => {}
        }
        let after = (
            self.probing.sessions.attached(),
            self.probing.known.is_some(),
        );
        Outcome {
            draw: before != after || self.spot.page == Page::Probes,
            actions: vec![],
        }
    }

    /// Lists the wishes when it is time to.
    pub(super) fn look_for_probes(&mut self, now: Moment) -> Option<Action> {
        let on_page = self.spot.page == Page::Probes;
        let since = |then: Duration| now.up.saturating_sub(then);
        let any = self.probing.sessions.all().iter().any(Session::is_on);
        let idle = !on_page && !any && since(self.probing.touched) > IDLE;
        let pause = if on_page { ON_PAGE } else { ELSEWHERE };
        let is_due = self.probing.asked.is_none_or(|asked| since(asked) >= pause);
        let open = self.link == LinkState::Open && self.picture().head().is_some();
        if !open || idle || !is_due || self.probing.is_asking {
            return None;
        }
        (self.probing.asked, self.probing.is_asking) = (Some(now.up), true);
        Some(Action::List)
    }

    /// A list that was asked for before the link broke does not come.
    pub(super) fn forget_list(&mut self) {
        (self.probing.asked, self.probing.is_asking) = (None, false);
    }

    /// What asks for the probes of the page: the one under the cursor with its calls, of the others the figures.
    pub(super) fn probes_wanted(&self, now: Moment) -> Vec<Question> {
        let selected = self.selected_probe();
        let mut wanted: Vec<Question> = vec![];
        if let Some(session) = selected.filter(|s| s.is_told_of(now)) {
            wanted.push(questions::probe(&session.id, true));
        }
        let others = self.probe_rows().filter(|s| s.is_on() && s.is_told_of(now));
        let others = others.filter(|s| selected.is_none_or(|known| known.id != s.id));
        wanted.extend(
            others
                .take(FIGURES_MAX)
                .map(|session| questions::probe(&session.id, false)),
        );
        wanted
    }

    /// Takes the figures out of what was answered about a probe.
    pub(super) fn saw_probe(&mut self, question: &Question, now: Moment) {
        let Question::Probe { id, .. } = question else {
            return;
        };
        if let Some(AnswerBody::Probe(log)) = self.asked.answer(question).map(|a| &a.body) {
            self.probing.sessions.saw(id, log, now);
        }
    }

    pub(super) fn probes_sheet(&self) -> Sheet {
        let known = |n: Option<u64>| n.map_or(Value::Unknown, Value::from);
        let rows = self.probe_rows().map(|session| {
            let functions: Vec<_> = session.functions.iter().map(|f| f.visible()).collect();
            vec![
                visible(&session.id).into_owned().into(),
                visible(&session.target.text()).into_owned().into(),
                functions.join(" ").into(),
                session.state_name().into(),
                session.reason.visible().into_owned().into(),
                known(session.seen.hits()),
                session.seen.p95.into(),
            ]
        });
        Sheet {
            name: "probes",
            rows: rows.collect(),
            columns: vec![
                "id",
                "target",
                "functions",
                "state",
                "reason",
                "hits",
                "p95_ms",
            ],
        }
    }

    pub(super) fn probes_command(&self) -> String {
        match self.selected_probe() {
            Some(session) => format!("debug logs {}", shell_word(&session.id)),
            None => "debug list".to_owned(),
        }
    }
}
