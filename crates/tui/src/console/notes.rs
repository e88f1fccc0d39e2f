//! The lines above a flame graph: what is under way, what is missing, how the graph differs from its usual form. Nothing
//! to say, no line.

use super::app::App;
use super::finer::{Finer, HZ, LEASE, Progress};
use super::keys::Command;
use super::moment::Moment;
use super::pick;
use coral_model::observed::visible;
use coral_report::figure::percent;
use coral_report::text;

/// How a note is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Coral is touching a process.
    Touching,
    /// A finer profile that is over, and the form of the graph.
    Form,
    /// Something is missing.
    Missing,
}

/// A line above the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How it is drawn.
    pub about: About,
    /// What is so.
    pub text: String,
    /// What can be done; a key, flush right.
    pub key: String,
    /// What that key does, for a click on the line.
    pub command: Option<Command>,
}

/// What stands above the flame graph now.
pub fn of(app: &App, now: Moment) -> Vec<Note> {
    let service = app.profiled_service();
    let finer = app.finer.as_ref().filter(|f| Some(&f.service) == service);
    let finer = finer.map(|finer| of_finer(app, finer, now));
    let notes = [finer, of_names(app), of_form(app)];
    notes.into_iter().flatten().collect()
}

fn note(about: About, text: impl Into<String>, key: impl Into<String>) -> Note {
    Note {
        about,
        text: text.into(),
        key: key.into(),
        command: None,
    }
}

impl Note {
    fn doing(self, command: Command) -> Self {
        Self {
            command: Some(command),
            ..self
        }
    }
}

fn of_finer(app: &App, finer: &Finer, now: Moment) -> Note {
    if let Progress::Refused(failure) = &finer.progress {
        let parts = [&failure.message, &failure.hint].map(|part| visible(part).into_owned());
        let parts: Vec<String> = parts.into_iter().filter(|p| !p.is_empty()).collect();
        return note(About::Missing, parts.join(" · "), "");
    }
    let shown = app.finer_shown().is_some();
    let samples = app.flame().map_or(0, |(_, flame)| flame.samples);
    let (elapsed, lease) = (finer.elapsed(now).as_secs(), LEASE.as_secs());
    let met = match shown {
        true => format!(" · {samples} samples"),
        false => String::new(),
    };
    if finer.is_running(now) {
        let said = match &finer.progress {
            Progress::Taken(reason) if samples == 0 && !reason.is_empty() => {
                format!(" · {}", visible(reason))
            }
            _ => String::new(),
        };
        let text = format!("{elapsed} of {lease} s{met} · at {HZ} Hz{said}");
        let (key, command) = match shown {
            true => ("D ends it", Command::EndProfile),
            false => ("p shows it", Command::Profile),
        };
        return note(About::Touching, text, key).doing(command);
    }
    let began = pick::zoned(finer.began(), &app.config.zone);
    let began = began.strftime("%H:%M:%S");
    let text = format!("finer profile of {began}, {elapsed} s{met}");
    match shown {
        true => note(About::Form, text, "Esc leaves it").doing(Command::Out),
        false => note(About::Form, text, ""),
    }
}

/// The file without names that costs most.
fn of_names(app: &App) -> Option<Note> {
    let (_, flame) = app.flame()?;
    let missing = flame.missing.first()?;
    let share = missing.samples as f64 / flame.samples.max(1) as f64;
    let path = text::shown(&missing.path, 60);
    let text = format!(
        "no names for {path} ({} % of the samples)",
        percent(Some(share))
    );
    let hint = missing.hint.as_ref().map(|h| text::shown(h, 200));
    Some(note(About::Missing, text, hint.unwrap_or_default()))
}

/// How the graph differs from its usual form, and what fills its width.
fn of_form(app: &App) -> Option<Note> {
    let (shape, tree) = (app.graph.shape, app.flame_tree());
    let words = [
        (
            shape.inverted,
            "inverted: from the functions back to their callers",
        ),
        (shape.merged, "recursion merged"),
        (shape.threads, "by thread"),
    ];
    let mut parts: Vec<String> = words
        .into_iter()
        .filter(|word| word.0)
        .map(|word| word.1.to_owned())
        .collect();
    if app.graph.is_zoomed() {
        let zoom = app.graph.zoom();
        let way = tree.path(zoom.node);
        let names = way.iter().filter_map(|node| tree.key(*node));
        let names = names.map(|key| key.name().visible().into_owned());
        let mut names: Vec<String> = names.collect();
        if zoom.from > 0 {
            names.push("the narrow ones".to_owned());
        }
        parts.push(format!("in {}", names.join(" › ")));
    }
    if parts.is_empty() {
        return None;
    }
    let text = parts.join(" · ");
    Some(match app.graph.is_zoomed() {
        true => note(About::Form, text, "Esc zooms out").doing(Command::Out),
        false => note(About::Form, text, ""),
    })
}
