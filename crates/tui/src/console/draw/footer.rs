//! The last lines: what is typed, and the keys that work here, made from the key table.

use super::{View, put, span};
use crate::console::app::{App, Body, Mode, Page};
use crate::console::keys::{Binding, Command, Scope, bindings};
use crate::console::layout::Regions;
use crate::console::pick;
use crate::console::theme::{BROKEN, LIVE, TOUCHES};
use coral_model::observed::visible;
use coral_report::text::{fit, service, width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// From this width on nothing is shortened.
const WORDS: u16 = 100;

impl App {
    /// Whether the line of what is typed is there.
    pub(in crate::console) fn shows_note(&self) -> bool {
        let filtered = self.mode == Mode::Filter || !self.filter().text().is_empty();
        matches!(self.mode, Mode::Pick | Mode::Note | Mode::Confirm)
            || filtered && self.body() == Body::Page
    }
}

pub(super) fn draw(view: View<'_>, regions: &Regions, buf: &mut Buffer) {
    if let Some(area) = regions.note {
        let line = match view.app.mode {
            Mode::Pick => picked(view),
            Mode::Confirm => asked(view, usize::from(area.width)),
            Mode::Note => noted(view, usize::from(area.width)),
            _ => note(view, usize::from(area.width)),
        };
        put(line, area, buf);
    }
    let theme = view.theme.old(false);
    for (area, binding) in placed(view.app, regions.footer) {
        let label = binding.chords.first().map_or(String::new(), |c| c.label());
        let word = word(view.app, binding.command, binding.word);
        let line = Line::from(vec![
            span(label, theme.link()),
            span(format!(" {word}"), theme.dim()),
        ]);
        put(line, area, buf);
    }
    if let Some(notice) = &view.app.notice {
        let (glyph, style) = match notice.good {
            true => (LIVE, theme.good()),
            false => (BROKEN, theme.broken()),
        };
        let room = usize::from(regions.footer.width);
        let text = fit(&notice.text, room.saturating_sub(4)).into_owned();
        let line = Line::from(vec![
            span(format!(" {glyph} "), style),
            span(format!("{text:<room$}"), theme.bold()),
        ]);
        put(line, regions.footer, buf);
    }
}

/// The moment that is typed, and what it means.
fn picked(view: View<'_>) -> Line<'static> {
    let (app, theme) = (view.app, view.theme.old(false));
    let zone = &app.config.zone;
    let newest = app.newest(view.now);
    let means = match pick::moment(&app.input, newest, zone) {
        Some(at) => {
            let at = pick::zoned(at, zone);
            at.strftime("%A %d %B %H:%M:%S %Z").to_string()
        }
        None => pick::FORMS.to_owned(),
    };
    Line::from(vec![
        span(" t ", theme.link()),
        span(app.input.clone(), theme.bold()),
        span("█", theme.link()),
        span(format!("   {means}"), theme.dim()),
    ])
}

/// What is asked before a probe is detached.
fn asked(view: View<'_>, columns: usize) -> Line<'static> {
    let (app, theme) = (view.app, view.theme.old(false));
    let id = app.probing.ending.as_deref().unwrap_or_default();
    let session = app.probing.sessions.get(id);
    let what = session.map_or(String::new(), |session| {
        let names: Vec<_> = session.functions.iter().map(|f| f.visible()).collect();
        let target = session.target.text();
        format!("{} of {}", names.join(", "), visible(&target))
    });
    let text = format!("detach {}, {what}?", visible(id));
    let end = "   y n   it may be somebody else's";
    let room = columns.saturating_sub(width(end) + 4);
    Line::from(vec![
        span(format!(" {TOUCHES} "), theme.touches()),
        span(fit(&text, room).into_owned(), theme.bold()),
        span(end, theme.dim()),
    ])
}

/// The note that is typed, and where it will stand.
fn noted(view: View<'_>, columns: usize) -> Line<'static> {
    let (app, theme) = (view.app, view.theme.old(false));
    let at = match app.time.end() {
        Some(at) => super::day_clock(at, view.now.wall, &app.config.zone),
        None => "now".to_owned(),
    };
    let about = match &app.spot.service {
        Some(key) => format!("   about {}, {at}", fit(&service(key), 30)),
        None => format!("   {at}"),
    };
    let room = columns.saturating_sub(width(&about) + 6);
    let typed: Vec<char> = app.input.chars().collect();
    // The end of a long text is what is being typed.
    let mut skip = typed.len().saturating_sub(room);
    let rest = |skip: usize| typed[skip..].iter().collect::<String>();
    while width(&rest(skip)) > room {
        skip += 1;
    }
    Line::from(vec![
        span(" m ", theme.link()),
        span(rest(skip), theme.bold()),
        span("█", theme.link()),
        span(about, theme.dim()),
    ])
}

fn note(view: View<'_>, columns: usize) -> Line<'static> {
    let (app, theme) = (view.app, view.theme.old(false));
    let typing = app.mode == Mode::Filter;
    let count = app.count(app.list());
    let found = match app.spot.page {
        Page::Services => format!("{count} of {} services", app.order.left_out().1),
        Page::Topology => {
            let hits = app.tree().rows.iter().filter(|r| r.matches).count();
            format!("{hits} match")
        }
        Page::Events => format!("{count} of {} events", app.page_events().0.len()),
        Page::Profiles if app.profiled_service().is_some() => {
            let found = app.found();
            let all = app.flame_tree().samples().max(1);
            let share = found.samples as f64 * 100.0 / all as f64;
            let functions = match found.functions {
                1 => "1 function".to_owned(),
                n => format!("{n} functions"),
            };
            format!("{functions}, {share:.1} % of the samples")
        }
        Page::Diagnose => {
            let findings = app.derived.findings.get();
            format!("{} of {} findings", findings.rows.len(), findings.all)
        }
        Page::Probes => {
            format!("{count} of {} probes", app.probing.sessions.all().len())
        }
        Page::Fleet | Page::Service | Page::Profiles => format!("{count} match"),
    };
    let rest = if typing { "" } else { "   Esc clears" };
    let room = columns.saturating_sub(width(&found) + width(rest) + 6);
    let text = app.filter().text();
    let skip = width(text).saturating_sub(room);
    let shown: String = text.chars().skip(skip).collect();
    let mut spans = vec![
        span(" / ", theme.link()),
        span(fit(&shown, room).into_owned(), theme.bold()),
    ];
    if typing {
        spans.push(span("█", theme.link()));
    }
    spans.push(span(format!("   {found}{rest}"), theme.dim()));
    Line::from(spans)
}

/// What can be clicked on the last line.
pub(in crate::console) fn footer_keys(app: &App, area: Rect) -> Vec<(Rect, Command)> {
    let placed = placed(app, area).into_iter();
    placed
        .map(|(area, binding)| (area, binding.command))
        .collect()
}

/// As many keys as fit, in the order of the table; each is a key that works now. The ways to help and out come first.
fn placed(app: &App, area: Rect) -> Vec<(Rect, &'static Binding)> {
    let scopes = app.scopes();
    let shown = |pages: bool| {
        bindings(&scopes)
            .filter(move |line| !line.word.is_empty() && (line.scope == Scope::Pages) == pages)
            .filter(|line| does_something(app, line.command))
    };
    let columns = usize::from(area.width);
    let (out, used) = row(app, shown(true), columns);
    let mut placed = at(area, 0, out, columns.saturating_sub(used));
    let (keys, _) = row(app, shown(false), columns.saturating_sub(used));
    placed.extend(at(area, 1, keys, 0));
    placed
}

type Row = Vec<(usize, usize, &'static Binding)>;

/// Start, width and key of what fits.
fn row(app: &App, lines: impl Iterator<Item = &'static Binding>, columns: usize) -> (Row, usize) {
    let (mut used, mut kept) = (1, vec![]);
    for line in lines {
        let Some(chord) = line.chords.first() else {
            continue;
        };
        let own = width(&chord.label()) + width(word(app, line.command, line.word)) + 1;
        if used + own + 2 <= columns {
            kept.push((used - 1, own, line));
            used += own + 2;
        }
    }
    (kept, used)
}

fn at(area: Rect, indent: usize, row: Row, start: usize) -> Vec<(Rect, &'static Binding)> {
    let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    row.into_iter()
        .map(|(x, width, line)| {
            let x = area.x + small(start + x + indent);
            (
                Rect::new(x, area.y, small(width), 1).intersection(area),
                line,
            )
        })
        .collect()
}

/// Whether a key changes anything here.
fn does_something(app: &App, command: Command) -> bool {
    match (command, app.spot.page) {
        (Command::Wide, Page::Topology) => app.tree_form || app.drawing().is_some(),
        (
            Command::Hidden,
            Page::Events
            | Page::Fleet
            | Page::Service
            | Page::Profiles
            | Page::Probes
            | Page::Diagnose,
        ) => false,
        (Command::Diagnose, Page::Diagnose) => app.service_here() != app.spot.service,
        (Command::Zoom, Page::Events) => false,
        (Command::NextProbeView, _) => app.selected_probe().is_some(),
        (Command::Zoom, Page::Profiles) => {
            app.profiled_service().is_some() && app.size().width >= 140
        }
        // The note above the graph says when it does.
        (Command::EndProfile, _) => false,
        _ => true,
    }
}

/// Switches are named by what they do next.
fn word(app: &App, command: Command, word: &'static str) -> &'static str {
    match command {
        Command::NextPane if app.spot.page == Page::Diagnose && app.pane.focused => "findings",
        Command::NextPane if app.spot.page == Page::Diagnose => "text",
        Command::Open if app.spot.page == Page::Diagnose && !app.pane.focused => "read",
        Command::Detach if app.selected_probe().is_some_and(|s| s.over.is_some()) => "forget",
        Command::NextProbeView => app.probing.view.next().name(),
        Command::Freeze if !app.time.is_live() => "go on live",
        Command::Hidden if app.all => "fold system",
        Command::Zoom if app.pane.zoomed => "both panes",
        Command::Wide if app.spot.page == Page::Topology && app.tree_form => "drawing",
        Command::NextPane if app.profiled_service().is_some() && app.pane.focused => "graph",
        Command::Profile if app.profiled_service().is_some() => "finer",
        Command::Profile if app.size().width < WORDS => "prof",
        Command::Diagnose if app.size().width < WORDS => "diag",
        Command::ZoomIn if app.pane.focused => "show",
        Command::Invert if app.graph.shape.inverted => "from the start",
        Command::MergeRecursion if app.graph.shape.merged => "all calls",
        Command::ByThread if app.graph.shape.threads => "all threads",
        Command::Filter if app.profiled_service().is_some() => "search",
        Command::Wide if app.spot.page == Page::Services && app.wide => "usual columns",
        Command::Changes if app.changes => "all events",
        Command::Keep if app.mode == Mode::Pick => "go there",
        Command::Keep if app.mode == Mode::Note => "write down",
        Command::Out if app.mode == Mode::Note => "write nothing",
        Command::Out if app.mode == Mode::Pick => "stay",
        Command::Back if app.pane.zoomed || app.pane.focused => "back",
        Command::Back if app.spot.service.is_some() => "back",
        _ => word,
    }
}
