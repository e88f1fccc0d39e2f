//! The first three lines: where, when, how fresh and what was lost; the pages; what is wrong.

use super::{View, clock, day_clock, put, span};
use crate::console::Replay;
use crate::console::alert::{self, Tone};
use crate::console::app::{App, LinkState, PAGES, SOON};
use crate::console::layout::{self, Regions};
use crate::console::moment::Moment as Now;
use crate::console::pick;
use crate::console::theme::{BROKEN, LIVE, OLD, TOUCHES, UNUSUAL};
use crate::console::time::Shown;
use coral_model::answer::{AgentRow, STALE_AFTER};
use coral_report::figure::age;
use coral_report::text::{fit, shown, width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// From this width on things are named in words.
const WORDS: u16 = 100;

pub(super) fn draw(view: View<'_>, regions: &Regions, buf: &mut Buffer) {
    let area = regions.header;
    put(
        Line::from(place_and_time(view, area.width >= WORDS)),
        area,
        buf,
    );
    put_right(condition(view, area.width >= WORDS), area, buf);
    tabs(view, regions.tabs, buf);
    if let Some(area) = regions.alert {
        alert_line(view, area, buf);
    }
}

fn put_right(spans: Vec<Span<'static>>, area: Rect, buf: &mut Buffer) {
    put(Line::from(spans).right_aligned(), area, buf);
}

/// How the moment that is shown is written.
enum Reads {
    Past,
    Live,
    Old,
}

/// Which moment is shown: live, stopped, or long ago because nothing comes any more.
fn moment(app: &App, now: Now, words: bool) -> (String, Reads) {
    let zone = &app.config.zone;
    let (time, of) = clock(now.wall, zone);
    let of = if words {
        format!(" {of}")
    } else {
        String::new()
    };
    let is_empty = app.picture().head().is_none();
    match (app.time.shown, &app.link) {
        (Shown::Frozen(at), _) => {
            let time = day_clock(at, now.wall, zone);
            (format!(" ❚❚ FROZEN {time}{of} "), Reads::Past)
        }
        (Shown::At(at), _) => {
            let time = day_clock(at, now.wall, zone);
            let ago = ago(app.newest(now).since(at));
            (format!(" ◀ AT {time}{of} (-{ago}) "), Reads::Past)
        }
        (Shown::Live, LinkState::Open) => (format!(" LIVE {time}{of}"), Reads::Live),
        (Shown::Live, LinkState::Away { .. }) if !is_empty => {
            (format!("{OLD} AWAY {time}{of}"), Reads::Old)
        }
        (Shown::Live, _) => (format!("{OLD} {time}{of}"), Reads::Old),
    }
}

/// The part of the first line that says which moment is shown.
pub(in crate::console) fn moment_area(app: &App, now: Now, header: Rect) -> Rect {
    if app.config.replay.is_some() {
        return Rect::default();
    }
    let words = header.width >= WORDS;
    let (text, _) = moment(app, now, words);
    let name = if words { "coral  " } else { "" };
    let x = 1 + width(name) + width(&app.config.colony) + 2;
    // A live moment has a glyph before it.
    let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let area = Rect::new(
        header.x.saturating_add(small(x)),
        header.y,
        small(width(&text) + 1),
        1,
    );
    area.intersection(header)
}

fn place_and_time(view: View<'_>, words: bool) -> Vec<Span<'static>> {
    let (app, theme) = (view.app, view.theme.old(false));
    let mut spans = vec![span(" ", theme.plain())];
    if words {
        spans.push(span("coral  ", theme.bold()));
    }
    if let Some(replay) = &app.config.replay {
        return replayed(view, replay, spans);
    }
    spans.push(span(app.config.colony.clone(), theme.link()));
    spans.push(span("  ", theme.plain()));
    let (text, tone) = moment(app, view.now, words);
    match tone {
        Reads::Past => spans.push(span(text, theme.inverse())),
        Reads::Live => spans.extend([span(LIVE, theme.good()), span(text, theme.plain())]),
        Reads::Old => spans.push(span(text, theme.dim())),
    }
    spans.push(span(format!("  {}", age(app.time.window)), theme.dim()));
    if let Some((_, name)) = app.time.compare.back() {
        let name = if words {
            name
        } else {
            name.trim_end_matches(" before")
        };
        spans.push(span(format!("  vs {name}"), theme.link()));
    }
    if let Some(waited) = app.waiting(view.now).filter(|w| *w >= SOON) {
        spans.push(span(
            format!("  {OLD} asking {:.1} s", waited.as_secs_f64()),
            theme.unusual(),
        ));
    }
    spans
}

/// An incident on disk, and when it was.
fn replayed(view: View<'_>, replay: &Replay, mut spans: Vec<Span<'static>>) -> Vec<Span<'static>> {
    let (app, theme) = (view.app, view.theme.old(false));
    spans.push(span(shown(&replay.name, 40), theme.link()));
    let began = app.diagnosis().and_then(|d| d.began);
    let end = replay.answer.as_ref().ok().map(|answer| answer.window.to);
    if let Some(at) = began.or(end) {
        let (time, zone) = clock(at, &app.config.zone);
        let day = pick::zoned(at, &app.config.zone).strftime("%Y-%m-%d");
        spans.push(span("  ", theme.plain()));
        spans.push(span(
            format!(" ◀ BUNDLE {day} {time} {zone} "),
            theme.inverse(),
        ));
    }
    spans
}

/// One unit is enough for how long ago.
fn ago(span: std::time::Duration) -> String {
    match span.as_secs() {
        s if s < 60 => format!("{s} s"),
        s if s < 7200 => format!("{} m", s / 60),
        s if s < 172_800 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

/// Flush right: how far behind the data is, the agents, the loss.
fn condition(view: View<'_>, words: bool) -> Vec<Span<'static>> {
    let (app, theme) = (view.app, view.theme.old(false));
    let picture = app.picture();
    let mut parts: Vec<Vec<Span<'static>>> = vec![];
    if let Some(head) = picture.head() {
        parts.extend(behind(view, head, words));
    }
    if let Some(status) = &picture.status {
        parts.push(agents(view, &status.agents));
    }
    if let Some(head) = picture.head() {
        let lost = head.loss.total();
        parts.push(match lost {
            0 => vec![span("loss 0", theme.dim())],
            lost => vec![span(format!("{UNUSUAL} loss {lost}"), theme.unusual())],
        });
        if head.loss.unseen > 0 && words {
            parts.push(vec![span(
                format!("{} not read", head.loss.unseen),
                theme.dim(),
            )]);
        }
    }
    match app.probing.sessions.attached() {
        0 => {}
        n if !words => parts.push(vec![span(format!("{TOUCHES}{n}"), theme.touches())]),
        1 => parts.push(vec![span(one_probe(view), theme.touches())]),
        n => parts.push(vec![span(format!("{TOUCHES} {n} probes"), theme.touches())]),
    }
    let mut spans = vec![];
    for part in parts {
        spans.extend(part);
        spans.push(span(if words { "   " } else { "  " }, theme.plain()));
    }
    if let Some(last) = spans.last_mut() {
        *last = span(" ", theme.plain());
    }
    spans
}

/// The one probe that is attached, and what is left of it when that is known.
fn one_probe(view: View<'_>) -> String {
    let mut all = view.app.probing.sessions.all().iter();
    let attached = all.find(|session| session.is_attached());
    match attached.and_then(|session| session.left(view.now)) {
        Some(left) => format!("{TOUCHES} 1 probe {} s", left.as_secs()),
        None => format!("{TOUCHES} 1 probe"),
    }
}

fn behind(
    view: View<'_>,
    head: &crate::console::picture::Head,
    words: bool,
) -> Option<Vec<Span<'static>>> {
    let theme = view.theme.old(false);
    let waited = view.now.up.saturating_sub(head.arrived.up);
    if !view.app.time.is_live() {
        return None;
    }
    let old = head.window.to.since(head.complete_until?) + waited;
    let text = format!(
        "data {} old",
        age(std::time::Duration::from_secs(old.as_secs()))
    );
    let text = text.replace("0 ms", "0 s").replace(".0 s", " s");
    match old > STALE_AFTER {
        true => Some(vec![span(format!("{OLD} {text}"), theme.unusual())]),
        false if words => Some(vec![span(text, theme.dim())]),
        false => None,
    }
}

fn agents(view: View<'_>, agents: &[AgentRow]) -> Vec<Span<'static>> {
    let theme = view.theme;
    let fresh = |a: &&AgentRow| a.connected && a.last_seen <= STALE_AFTER;
    let up = agents.iter().filter(fresh).count();
    let away = agents.len() - up;
    let mut spans = vec![span("agents ", theme.dim())];
    if up > 0 {
        spans.push(span(format!("{up} "), theme.plain()));
        spans.push(span(LIVE, theme.good()));
    }
    if away > 0 || up == 0 {
        let gap = if up > 0 { " " } else { "" };
        spans.push(span(format!("{gap}{away} {OLD}"), theme.dim()));
    }
    spans
}

fn tabs(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme.old(false);
    for ((page, key, name), tab) in PAGES.into_iter().zip(layout::tabs(area)) {
        let line = match page == view.app.root_page() {
            true => Line::styled(format!(" {key} {name} "), theme.inverse()),
            false => Line::from(vec![
                span(format!(" {key}"), theme.link()),
                span(format!(" {name} "), theme.dim()),
            ]),
        };
        put(line, tab, buf);
    }
}

fn alert_line(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let Some(alert) = alert::of(view.app, view.now) else {
        return;
    };
    let theme = view.theme.old(false);
    let (glyph, style) = match alert.tone {
        Tone::Broken => (BROKEN, theme.broken()),
        Tone::Unusual => (UNUSUAL, theme.unusual()),
        Tone::Old => (OLD, theme.bold()),
    };
    let columns = usize::from(area.width);
    // The fix is worth more than the end of a long reason.
    let fix = fit(&alert.fix, columns * 3 / 5).into_owned();
    let fix_width = if fix.is_empty() { 0 } else { width(&fix) + 3 };
    let text = fit(&alert.text, columns.saturating_sub(fix_width + 4)).into_owned();
    let line = Line::from(vec![span(format!(" {glyph} "), style), span(text, style)]);
    put(line, area, buf);
    put_right(
        vec![span(fix, theme.link()), span(" ", theme.plain())],
        area,
        buf,
    );
}
